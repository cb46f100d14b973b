using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using TorchSharp.Tests.Cases;

namespace TorchSharp.Tests;

/// <summary>Values, types and gradients of every case against Python's PyTorch, where it is installed.</summary>
[TestClass]
public class OracleTests
{
    private const string Python = "/usr/bin/python3";

    public TestContext TestContext { get; set; }

    [TestMethod]
    public void The_table_has_three_hundred_different_cases()
    {
        Assert.IsGreaterThanOrEqualTo(300, Case.All.Count);
        CollectionAssert.AllItemsAreUnique(Case.All.Select(c => c.Python).ToArray());
    }

    [TestMethod]
    public void Operators_agree_with_python()
    {
        if (!File.Exists(Python) || Ask(["-c", "import torch"], "") is null)
        {
            TestContext.WriteLine($"{Case.All.Count} cases not compared: Python's torch is not installed.");
            Assert.Inconclusive($"{Case.All.Count} cases not compared: Python's torch is not installed.");
        }
        using var document = JsonDocument.Parse(Ask([Path.Combine(AppContext.BaseDirectory, "Oracle", "oracle.py")], Request()));
        var answers = document.RootElement.EnumerateArray().ToArray();
        var wrong = new List<string>();
        var gradients = 0;
        foreach (var (type, offset) in new[] { (float32, 0), (float64, Case.All.Count) })
        {
            using var inputs = new Inputs(type);
            for (var k = 0; k < Case.All.Count; k++)
            {
                using var scope = NewDisposeScope();
                var found = Compare(Case.All[k], inputs, answers[offset + k], type == float32 ? 2e-5 : 1e-10, ref gradients);
                if (found is not null) wrong.Add($"{Case.All[k].Python} ({type}): {found}");
                inputs.Reset();
            }
        }
        TestContext.WriteLine($"{Case.All.Count} cases compared in two types, {gradients} gradients.");
        Assert.IsEmpty(wrong, string.Join("\n", wrong));
    }

    private static string Compare(Case entry, Inputs inputs, JsonElement answer, double tolerance, ref int gradients)
    {
        if (answer.TryGetProperty("error", out var error)) return "Python: " + error.GetString();
        Tensor result;
        try
        {
            result = entry.Here(inputs);
        }
        catch (Exception e)
        {
            return e.GetType().Name + ": " + e.Message;
        }
        var shape = answer.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
        if (!shape.SequenceEqual(result.shape)) return $"shape ({string.Join(", ", result.shape)}), not ({string.Join(", ", shape)})";
        if (answer.GetProperty("type").GetString() != PythonName(result.dtype)) return $"type {result.dtype}, not {answer.GetProperty("type").GetString()}";
        if (Difference(result, answer.GetProperty("values"), tolerance) is { } difference) return "values " + difference;
        if (entry.Gradient == Gradient.None) return null;
        var expected = answer.TryGetProperty("gradients", out var some) ? some.EnumerateObject().ToDictionary(p => p.Name, p => p.Value) : null;
        if (result.requires_grad != expected is not null) return $"requires_grad is {result.requires_grad}";
        if (expected is null) return null;
        var weights = arange(result.numel(), float64).cos().view(result.shape);
        (result.to(float64) * weights).sum().backward();
        foreach (var (name, leaf) in inputs.Leaves)
        {
            var grad = leaf.grad;
            if (grad is null != !expected.ContainsKey(name)) return $"the gradient of {name} is {(grad is null ? "missing" : "one too many")}";
            if (grad is null) continue;
            gradients++;
            if (Difference(grad, expected[name], tolerance * 10) is { } other) return $"gradient of {name} {other}";
        }
        return null;
    }

    private static string Difference(Tensor here, JsonElement there, double tolerance)
    {
        var mine = here.detach().to(float64).contiguous().data<double>().ToArray();
        var k = 0;
        foreach (var value in there.EnumerateArray())
        {
            var expected = value.ValueKind == JsonValueKind.Number ? value.GetDouble() : value.GetString() switch
            {
                "inf" => double.PositiveInfinity,
                "-inf" => double.NegativeInfinity,
                _ => double.NaN,
            };
            var same = expected.Equals(mine[k]) || Math.Abs(expected - mine[k]) <= tolerance * (1 + Math.Abs(expected));
            if (!same) return string.Create(CultureInfo.InvariantCulture, $"at {k}: {mine[k]:R}, not {expected:R}");
            k++;
        }
        return k == mine.Length ? null : $"{mine.Length} of them, not {k}";
    }

    private static string PythonName(ScalarType type) => type switch
    {
        ScalarType.Byte => "torch.uint8",
        _ => "torch." + type.ToString().ToLowerInvariant(),
    };

    private static string Request()
    {
        using var inputs = new Inputs(float64);
        using var scope = NewDisposeScope();
        return JsonSerializer.Serialize(new
        {
            tensors = inputs.Tensors.ToDictionary(t => t.Key, t => new { t.Value.shape, type = t.Value.dtype.ToString(), values = t.Value.detach().to(float64).data<double>().ToArray() }),
            calls = Case.All.Select(c => c.Python).ToArray(),
            gradients = Case.All.Select(c => c.Gradient != Gradient.None).ToArray(),
        });
    }

    private static string Ask(string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(Python, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : arguments[0] == "-c" ? null : throw new InvalidOperationException(error.Result);
    }
}
