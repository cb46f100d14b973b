using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Layers;

// The layers of which the models are made. Field names are checkpoint names: the module tree *is* the Hugging Face naming.
// Weights are allocated without values; an initializer or a file fills them, so that building a model draws no random numbers.

/// <summary>Creates the parameters of layers.</summary>
internal static class LayerParameter
{
    [ThreadStatic]
    private static (ScalarType Type, Device Device)? _wanted;

    /// <summary>
    /// Lets the parameters that this thread makes until the result is disposed be of a type and on a device from the start: a model of many
    /// gigabytes is then never held twice.
    /// </summary>
    public static Scope As(ScalarType type, Device device)
    {
        var scope = new Scope(_wanted);
        _wanted = (type, device);
        return scope;
    }

    /// <summary>An uninitialised parameter: float32 on the CPU, unless <see cref="As"/> says otherwise.</summary>
    public static Parameter Create(params long[] shape)
    {
        var (type, device) = _wanted ?? (ScalarType.Float32, CPU);
        // Numbers that no training changes in this form; gradients are those of float32.
        var parameter = new Parameter(empty(shape, type, device), type == ScalarType.Float32);
        // A model built inside somebody's dispose scope must outlive that scope.
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>Puts back what was wanted before.</summary>
    internal readonly ref struct Scope((ScalarType Type, Device Device)? before)
    {
        public void Dispose() => _wanted = before;
    }
}
