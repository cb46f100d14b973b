using AirMLNet.Weights;
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

    /// <summary>
    /// Brings image positions [1 + S², W] to [1 + T², W] as OpenCLIP does: bicubic, and antialiased where it becomes smaller.
    /// </summary>
    public static WeightFitting Images { get; } =
        new(
            (found, wanted) => found.Length == 2 && found[1] == wanted[1] && SideOf(found[0]) is not null && SideOf(wanted[0]) is not null,
            (positions, wanted) =>
            {
                long side = SideOf(positions.size(0))!.Value,
                    other = SideOf(wanted[0])!.Value;
                var grid = positions.narrow(0, 1, side * side).view(1, side, side, -1).permute(0, 3, 1, 2); // [1, W, S, S]
                var resized = Antialiased(grid, [other, other]); // [1, W, T, T]
                return cat([positions.narrow(0, 0, 1), resized.flatten(2).squeeze(0).t()], 0); // [1 + T², W]
            }
        );

    /// <summary>Brings text positions [L, W] to [M, W] as OpenCLIP does: linear.</summary>
    public static WeightFitting Texts { get; } =
        new(
            (found, wanted) => found.Length == 2 && found[0] > 0 && found[1] == wanted[1],
            (positions, wanted) =>
                nn.functional.interpolate(positions.t().unsqueeze(0), [wanted[0]], null, InterpolationMode.Linear, false).squeeze(0).t()
        );

    /// <summary>S of 1 + S² positions; null where there is none.</summary>
    public static long? SideOf(long positions) =>
        (long)Math.Round(Math.Sqrt(positions - 1)) is var side && side >= 1 && side * side == positions - 1 ? side : null;

    private static Tensor Antialiased(Tensor grid, long[] size) =>
        nn.functional.interpolate(grid, size, null, InterpolationMode.Bicubic, false, antialias: true);
}
