using TorchSharp.Modules;

namespace AirMLNet.Layers;

/// <summary>A layer that LoRA may adapt: a matrix product or a convolution.</summary>
internal interface ILoraLayer
{
    /// <summary>The weight as its checkpoint holds it: [out, in], or [out, in, K, K].</summary>
    Parameter Weight { get; }

    /// <summary>What LoRA adds to the layer; null for nothing. The layer does not own it.</summary>
    /// <exception cref="ArgumentException">The adapter's shapes do not fit the layer.</exception>
    LoraAdapter? Adapter { get; set; }
}
