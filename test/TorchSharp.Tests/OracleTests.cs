using System.Diagnostics;
using System.Text.Json;

namespace TorchSharp.Tests;

/// <summary>The same inputs through Python's PyTorch, where it is installed.</summary>
[TestClass]
public class OracleTests
{
    public TestContext TestContext { get; set; }

    // Name, the call here, the call in Python; a is [3, 4], b is [3, 4] positive, i is [3, 4] int64 in 0..3, m is [4, 4].
    private static readonly (string Python, Func<Tensor, Tensor, Tensor, Tensor, Tensor> Here)[] Table =
    [
        ("a+b", (a, b, i, m) => a + b), ("a-2*b", (a, b, i, m) => a - 2 * b), ("a/b", (a, b, i, m) => a / b), ("3/b", (a, b, i, m) => 3 / b), ("a%b", (a, b, i, m) => a % b),
        ("a.abs()", (a, b, i, m) => a.abs()), ("b.log()", (a, b, i, m) => b.log()), ("b.sqrt()", (a, b, i, m) => b.sqrt()), ("b.rsqrt()", (a, b, i, m) => b.rsqrt()),
        ("a.exp()", (a, b, i, m) => a.exp()), ("a.sigmoid()", (a, b, i, m) => a.sigmoid()), ("a.erf()", (a, b, i, m) => a.erf()), ("a.round()", (a, b, i, m) => a.round()),
        ("a.sign()", (a, b, i, m) => a.sign()), ("a.clamp(-0.5,0.5)", (a, b, i, m) => a.clamp(-0.5, 0.5)), ("b.pow(1.5)", (a, b, i, m) => b.pow(1.5)), ("b.pow(a)", (a, b, i, m) => b.pow(a)),
        ("(a>0)", (a, b, i, m) => a > 0), ("a.le(b)", (a, b, i, m) => a.le(b)), ("torch.where(a>0,a,b)", (a, b, i, m) => where(a > 0, a, b)), ("a.maximum(b)", (a, b, i, m) => a.maximum(b)),
        ("a.sum()", (a, b, i, m) => a.sum()), ("a.sum(1)", (a, b, i, m) => a.sum(1)), ("a.sum([0,1],True)", (a, b, i, m) => a.sum([0, 1], true)), ("a.mean(0)", (a, b, i, m) => a.mean([0])),
        ("a.std()", (a, b, i, m) => a.std()), ("a.var(1,False)", (a, b, i, m) => a.var(1, false)), ("a.norm()", (a, b, i, m) => a.norm()), ("a.norm(1,1)", (a, b, i, m) => a.norm(1, false, 1)),
        ("b.prod(1)", (a, b, i, m) => b.prod(1)), ("a.max(1)[0]", (a, b, i, m) => a.max(1).values), ("a.argmax(1)", (a, b, i, m) => a.argmax(1)), ("a.cumsum(0)", (a, b, i, m) => a.cumsum(0)),
        ("a.logsumexp(1)", (a, b, i, m) => a.logsumexp(1)), ("a.softmax(1)", (a, b, i, m) => a.softmax(1)), ("a.log_softmax(0)", (a, b, i, m) => a.log_softmax(0)), ("a.median()", (a, b, i, m) => a.median()),
        ("a.matmul(m)", (a, b, i, m) => a.matmul(m)), ("torch.einsum('ij,kj->ik',a,b)", (a, b, i, m) => einsum("ij,kj->ik", a, b)), ("m.inverse()", (a, b, i, m) => m.inverse()), ("m.trace()", (a, b, i, m) => m.trace()),
        ("a.t()", (a, b, i, m) => a.t()), ("a.permute(1,0)", (a, b, i, m) => a.permute(1, 0)), ("a.flip(1)", (a, b, i, m) => a.flip(1)), ("a.roll(1,0)", (a, b, i, m) => a.roll(1, 0)), ("a.repeat(2,1)", (a, b, i, m) => a.repeat(2, 1)),
        ("a.repeat_interleave(2,1)", (a, b, i, m) => a.repeat_interleave(2, 1)), ("torch.cat([a,b],1)", (a, b, i, m) => cat([a, b], 1)), ("torch.stack([a,b],2)", (a, b, i, m) => stack([a, b], 2)), ("a.chunk(2,1)[1]", (a, b, i, m) => a.chunk(2, 1)[1]),
        ("a.split([1,3],1)[1]", (a, b, i, m) => a.split([1, 3], 1)[1]), ("a.unflatten(1,(2,2))", (a, b, i, m) => a.unflatten(1, 2, 2)), ("a.gather(1,i)", (a, b, i, m) => a.gather(1, i)), ("a.scatter(1,i[:,:1],b)", (a, b, i, m) => a.scatter(1, i[TensorIndex.Colon, ..1], b)),
        ("a.scatter_add(1,i,b)", (a, b, i, m) => a.scatter_add(1, i, b)), ("a.index_select(1,i[0])", (a, b, i, m) => a.index_select(1, i[0])), ("a[:,i[0]]", (a, b, i, m) => a[TensorIndex.Colon, TensorIndex.Tensor(i[0])]), ("a[a>0]", (a, b, i, m) => a[a > 0]),
        ("a.topk(2)[0]", (a, b, i, m) => a.topk(2).values), ("a.sort(1,True)[1]", (a, b, i, m) => a.sort(1, true).Indices), ("a.triu(1)", (a, b, i, m) => a.triu(1)), ("a.masked_fill(a>0,7)", (a, b, i, m) => a.masked_fill(a > 0, 7)),
        ("F.gelu(a)", (a, b, i, m) => nn.functional.gelu(a)), ("F.silu(a)", (a, b, i, m) => nn.functional.silu(a)), ("F.normalize(a)", (a, b, i, m) => nn.functional.normalize(a)), ("F.layer_norm(a,(4,))", (a, b, i, m) => nn.functional.layer_norm(a, [4])),
        ("F.cross_entropy(a,i[:,0])", (a, b, i, m) => nn.functional.cross_entropy(a, i[TensorIndex.Colon, 0])), ("F.one_hot(i,4)", (a, b, i, m) => nn.functional.one_hot(i, 4)), ("F.pad(a,(1,2),'constant',3.0)", (a, b, i, m) => nn.functional.pad(a, (1, 2), PaddingModes.Constant, 3)),
        ("F.interpolate(a.view(1,1,3,4),size=(5,7),mode='bicubic')", (a, b, i, m) => nn.functional.interpolate(a.view(1, 1, 3, 4), [5, 7], mode: InterpolationMode.Bicubic)), ("F.avg_pool2d(a.view(1,1,3,4),2)", (a, b, i, m) => nn.functional.avg_pool2d(a.view(1, 1, 3, 4), 2)),
        ("F.group_norm(a.view(1,4,3),2)", (a, b, i, m) => nn.functional.group_norm(a.view(1, 4, 3), 2)), ("F.kl_div(a,b)", (a, b, i, m) => nn.functional.kl_div(a, b, false)), ("F.cosine_similarity(a,b)", (a, b, i, m) => nn.functional.cosine_similarity(a, b)),
    ];

    [TestMethod]
    public void Operators_agree_with_python()
    {
        const string Python = "/usr/bin/python3";
        if (!File.Exists(Python) || Ask(Python, ["-c", "import torch"], "") is null)
        {
            TestContext.WriteLine($"{Table.Length} operators not compared: Python's torch is not installed.");
            Assert.Inconclusive($"{Table.Length} operators not compared: Python's torch is not installed.");
        }
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        var a = randn([3, 4], generator: generator);
        var b = rand([3, 4], generator: generator) + 0.1;
        var i = randint(4, [3, 4], generator: generator);
        var m = randn([4, 4], generator: generator);
        var request = JsonSerializer.Serialize(new
        {
            a = a.data<float>().ToArray(), b = b.data<float>().ToArray(), i = i.data<long>().ToArray(), m = m.data<float>().ToArray(),
            calls = Table.Select(t => t.Python).ToArray(),
        });
        var answer = Ask(Python, [Path.Combine(AppContext.BaseDirectory, "Oracle", "oracle.py")], request);
        using var document = JsonDocument.Parse(answer!);
        var wrong = new List<string>();
        foreach (var (entry, reply) in Table.Zip(document.RootElement.EnumerateArray()))
        {
            var result = entry.Here(a, b, i, m);
            var shape = reply.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
            var values = reply.GetProperty("values").EnumerateArray().Select(v => v.GetDouble()).ToArray();
            var mine = result.to(float64).data<double>().ToArray();
            if (!shape.SequenceEqual(result.shape)) wrong.Add($"{entry.Python}: shape ({string.Join(", ", result.shape)}), not ({string.Join(", ", shape)})");
            else if (values.Zip(mine).Any(p => !(Math.Abs(p.First - p.Second) <= 1e-5 * (1 + Math.Abs(p.First))))) wrong.Add($"{entry.Python}: other values");
        }
        TestContext.WriteLine($"{Table.Length} operators compared.");
        Assert.IsEmpty(wrong, string.Join("\n", wrong));
    }

    private static string Ask(string program, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : arguments[0] == "-c" ? null : throw new InvalidOperationException(error.Result);
    }
}
