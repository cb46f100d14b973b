using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>Features of whole images and of their places, in the space of the text features; none of them normalised.</summary>
/// <param name="Global">[B, E], one per image.</param>
/// <param name="Local">[B, H·W, E], places row by row from the top left.</param>
/// <param name="Height">H, rows of places.</param>
/// <param name="Width">W, places in a row.</param>
public sealed record ClipDenseFeatures(Tensor Global, Tensor Local, long Height, long Width) : IDisposable
{
    /// <summary>The features of the places as a map: a view, [B, E, H, W].</summary>
    public Tensor Map => Local.view(Local.size(0), Height, Width, -1).permute(0, 3, 1, 2);

    /// <summary>Frees both tensors.</summary>
    public void Dispose()
    {
        Global.Dispose();
        Local.Dispose();
    }

    internal ClipDenseFeatures MoveToOuterDisposeScope() =>
        this with
        {
            Global = Global.MoveToOuterDisposeScope(),
            Local = Local.MoveToOuterDisposeScope(),
        };
}
