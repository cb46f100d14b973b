using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Layers;

// The layers of which the models are made. Field names are checkpoint names: the module tree *is* the Hugging Face naming.
// Weights are allocated without values; an initializer or a file fills them, so that building a model draws no random numbers.

/// <summary>Creates the parameters of layers.</summary>
internal static class LayerParameter
{
    /// <summary>An uninitialised float32 parameter on the CPU.</summary>
    public static Parameter Create(params long[] shape)
    {
        var parameter = new Parameter(empty(shape, ScalarType.Float32), true);
        // A model built inside somebody's dispose scope must outlive that scope.
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
