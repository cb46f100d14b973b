using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// Initial weights of a model that is trained from nothing, as PyTorch's layers draw them: uniform in ±1/√inputs for
/// weights and biases, norms one and zero.
/// </summary>
internal static class DiffusionInitializer
{
    public static void Initialise(nn.Module module, Generator generator)
    {
        using var off = no_grad();
        foreach (var (_, part) in module.named_modules())
        {
            switch (part)
            {
                case LinearLayer linear:
                    Uniform(linear.weight, linear.bias, generator);
                    break;
                case ConvLayer conv:
                    Uniform(conv.weight, conv.bias, generator);
                    break;
                case GroupNormLayer norm:
                    norm.weight.fill_(1);
                    norm.bias.zero_();
                    break;
                case NormLayer norm:
                    norm.weight.fill_(1);
                    norm.bias.zero_();
                    break;
            }
        }
    }

    private static void Uniform(Tensor weight, Tensor? bias, Generator generator)
    {
        var bound = Math.Sqrt((double)weight.size(0) / weight.numel());
        weight.uniform_(-bound, bound, generator);
        bias?.uniform_(-bound, bound, generator);
    }
}
