using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>How position embeddings are used where the grid of locations is not the one they were trained for.</summary>
public enum ClipPositions
{
    /// <summary>Bicubic interpolation to the new grid: sampled by its size.</summary>
    Bicubic,

    /// <summary>Bilinear interpolation to the new grid: sampled by its size.</summary>
    Bilinear,

    /// <summary>
    /// Bicubic, sampled by the factor (H + 0.1)/S instead of H/S, as TaI-DPT's code does.
    /// </summary>
    BicubicByFactor,

    /// <summary>No positions are added. Only the attention pool of a ResNet can do without.</summary>
    None,
}

/// <summary>Position embeddings of a square grid, resized to another.</summary>
internal static class ClipPositionGrid
{
    /// <summary>Resizes [1 + S², W] to [1 + H·W', W]; the first row, which has no place in the grid, stays.</summary>
    /// <param name="positions">[1 + S², W], the first row for the class token or the mean.</param>
    /// <param name="side">S.</param>
    /// <param name="height">Rows of the new grid.</param>
    /// <param name="width">Columns of the new grid.</param>
    /// <param name="kind">The interpolation.</param>
    /// <returns>The tensor itself where the grid is the trained one.</returns>
    public static Tensor Resize(Tensor positions, long side, long height, long width, ClipPositions kind)
    {
        if (height == side && width == side)
        {
            return positions;
        }
        var grid = positions.narrow(0, 1, side * side).view(1, side, side, -1).permute(0, 3, 1, 2); // [1, W, S, S]
        var resized = kind switch
        {
            ClipPositions.Bicubic => nn.functional.interpolate(grid, [height, width], null, InterpolationMode.Bicubic, false),
            ClipPositions.Bilinear => nn.functional.interpolate(grid, [height, width], null, InterpolationMode.Bilinear, false),
            ClipPositions.BicubicByFactor => nn.functional.interpolate(
                grid,
                null,
                [(height + 0.1) / side, (width + 0.1) / side],
                InterpolationMode.Bicubic,
                false
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Positions that are added must be resized."),
        }; // [1, W, H, W']
        return cat([positions.narrow(0, 0, 1), resized.flatten(2).squeeze(0).t()], 0); // [1 + H·W', W]
    }
}
