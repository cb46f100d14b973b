namespace TorchSharp.Modules;

/// <summary>
/// A leaf tensor that modules register. It takes over the native tensor of what it is made from, which is invalid afterwards.
/// </summary>
public class Parameter : torch.Tensor
{
    public Parameter(torch.Tensor data, bool requires_grad = true) : base(Take(data))
    {
        if (requires_grad) requires_grad_();
    }

    internal Parameter(nint handle) : base(handle)
    {
    }

    private static nint Take(torch.Tensor data)
    {
        using (data)
        using (var leaf = data.detach())
            return leaf.DecoupleFromNativeHandle();
    }
}
