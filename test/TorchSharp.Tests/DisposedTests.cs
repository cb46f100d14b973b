namespace TorchSharp.Tests;

/// <summary>A disposed tensor says so, whatever is asked of it.</summary>
[TestClass]
public class DisposedTests
{
    private static readonly (string Name, Action<Tensor> Use)[] Members =
    [
        ("shape", t => _ = t.shape), ("dtype", t => _ = t.dtype), ("device", t => _ = t.device), ("ndim", t => _ = t.ndim), ("numel", t => t.numel()), ("stride", t => t.stride()), ("Handle", t => _ = t.Handle),
        ("requires_grad", t => _ = t.requires_grad), ("requires_grad_", t => t.requires_grad_()), ("grad", t => _ = t.grad), ("backward", t => t.backward()), ("is_contiguous", t => t.is_contiguous()),
        ("+", t => _ = t + t), ("+ number", t => _ = t + 1), ("-", t => _ = -t), (">", t => _ = t > 0), ("sum", t => t.sum()), ("matmul", t => t.matmul(t)), ("view", t => t.view(4)), ("permute", t => t.permute(1, 0)),
        ("index", t => _ = t[0]), ("slice", t => _ = t[..1]), ("assignment", t => t[0] = t), ("to type", t => t.to(float64)), ("clone", t => t.clone()), ("detach", t => t.detach()), ("item", t => t.item<float>()),
        ("data", t => t.data<float>()), ("bytes", t => _ = t.bytes), ("fill_", t => t.fill_(1)), ("add_", t => t.add_(1)), ("copy_", t => t.copy_(t)), ("topk", t => t.topk(1)), ("split", t => t.split(1)), ("sort", t => t.sort()),
        ("cat", t => cat([t, t])), ("stack", t => stack([t])), ("einsum", t => einsum("ij->ji", t)), ("where", t => where(t, t, t)), ("zeros_like", t => zeros_like(t)), ("autograd.grad", t => autograd.grad([t], [t])),
        ("linear", t => nn.functional.linear(t, t)), ("softmax", t => nn.functional.softmax(t, 1)), ("layer_norm", t => nn.functional.layer_norm(t, [2])), ("cross_entropy", t => nn.functional.cross_entropy(t, t)),
        ("normalize", t => nn.functional.normalize(t)), ("Parameter", t => _ = new Modules.Parameter(t)), ("save", t => t.Save(new MemoryStream())), ("DecoupleFromNativeHandle", t => t.DecoupleFromNativeHandle()),
        ("init", t => nn.init.normal_(t)), ("allclose", t => t.allclose(t)), ("unbind", t => t.unbind()), ("gather", t => t.gather(0, t)), ("print", t => t.ToString(TensorStringStyle.Numpy)),
    ];

    [TestMethod]
    public void Every_use_after_dispose_is_refused()
    {
        var wrong = new List<string>();
        foreach (var (name, use) in Members)
        {
            var tensor = ones(2, 2);
            _ = (tensor.shape, tensor.dtype);
            tensor.Dispose();
            try
            {
                use(tensor);
                wrong.Add($"{name}: nothing happened");
            }
            catch (ObjectDisposedException)
            {
            }
            catch (Exception e)
            {
                wrong.Add($"{name}: {e.GetType().Name}: {e.Message}");
            }
        }
        Assert.IsEmpty(wrong, string.Join("\n", wrong));
    }

    [TestMethod]
    public void Every_use_of_a_disposed_operand_is_refused()
    {
        using var scope = NewDisposeScope();
        var gone = ones(2, 2);
        gone.Dispose();
        var here = ones(2, 2);
        Action[] uses =
        [
            () => _ = here + gone, () => here.matmul(gone), () => cat([here, gone]), () => here.copy_(gone), () => here.add_(gone), () => _ = here[gone], () => here[0] = gone, () => here.index_select(0, gone),
            () => nn.functional.linear(here, here, gone), () => here.masked_fill(gone, 1), () => here.backward([gone]), () => here.grad = gone, () => stack([here, gone]), () => here.to(gone),
        ];
        for (var k = 0; k < uses.Length; k++) Assert.ThrowsExactly<ObjectDisposedException>(uses[k], $"use {k}");
    }

    [TestMethod]
    public void A_disposed_module_and_a_disposed_generator_are_refused()
    {
        using var x = ones(1, 2);
        var module = nn.Linear(2, 2);
        module.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => module.call(x));
        var generator = new Generator(1);
        generator.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => rand([2], generator: generator));
        Assert.ThrowsExactly<ObjectDisposedException>(() => generator.get_state());
    }
}
