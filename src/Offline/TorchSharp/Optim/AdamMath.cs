using TorchSharp.Modules;
using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Optim;

/// <summary>The operators that update many tensors in one call.</summary>
internal static class Foreach
{
    internal static readonly Op Mul = new("_foreach_mul_", "Scalar"), Add = new("_foreach_add_", "List"), AddScalar = new("_foreach_add_", "Scalar"),
        Addcmul = new("_foreach_addcmul_", "Scalar"), Addcdiv = new("_foreach_addcdiv_", "Scalar"), Sqrt = new("_foreach_sqrt"),
        Div = new("_foreach_div_", "Scalar"), Neg = new("_foreach_neg_"), MaxInto = new("maximum");
}

/// <summary>One step of Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019) on a group.</summary>
internal static class AdamMath
{
    internal sealed record Settings(double Lr, double Beta1, double Beta2, double Eps, double Decay, bool Decoupled, bool Amsgrad, bool Maximize);

    internal static void Update(Settings s, long steps, Parameter[] parameters, Tensor[] grads, Tensor[] mean, Tensor[] square, Tensor[] largest)
    {
        if (s.Maximize) grads = [.. grads.Select(g => g.neg())];
        if (s.Decay != 0)
        {
            if (s.Decoupled) Foreach.Mul.Run(parameters, 1 - s.Lr * s.Decay);
            else grads = [.. grads.Zip(parameters, (g, p) => g.add(p, s.Decay))];
        }
        Foreach.Mul.Run(mean, s.Beta1);
        Foreach.Add.Run(mean, grads, 1 - s.Beta1);
        Foreach.Mul.Run(square, s.Beta2);
        Foreach.Addcmul.Run(square, grads, grads, 1 - s.Beta2);
        var second = square;
        if (s.Amsgrad)
        {
            for (var k = 0; k < largest.Length; k++) largest[k].copy_(Foreach.MaxInto.Call(largest[k], square[k]));
            second = largest;
        }
        // θ -= lr/(1-β1^t) · m / (√v/√(1-β2^t) + ε)
        var denominators = Foreach.Sqrt.CallList(second);
        Foreach.Div.Run(denominators, Math.Sqrt(1 - Math.Pow(s.Beta2, steps)));
        Foreach.AddScalar.Run(denominators, s.Eps);
        Foreach.Addcdiv.Run(parameters, mean, denominators, -s.Lr / (1 - Math.Pow(s.Beta1, steps)));
    }
}
