namespace AirMLNet.Llava;

/// <summary>How images are laid out whose sides do not divide evenly; the library that published LLaVA-NeXT changed it once.</summary>
internal enum LlavaRounding
{
    /// <summary>A row or column too many goes to the lower or right border; lengths are rounded to seven digits before they are
    /// cut.</summary>
    Current,

    /// <summary>
    /// Both borders are alike, so that the last tiles may lack a row or column and are stretched; lengths are cut as they come. So until
    /// 2024.
    /// </summary>
    Until2024,
}

/// <summary>The arithmetic of any resolution (LLaVA-NeXT; docs/methods.md §5.2): where an image lies in its grid of tiles.</summary>
internal static class LlavaTiling
{
    /// <summary>The grid that keeps most of the image's pixels, and of those that keep as many the one that wastes least.</summary>
    /// <param name="height">Height of the image.</param>
    /// <param name="width">Width of the image.</param>
    /// <param name="grids">What there is to choose from; the first of equals is taken.</param>
    public static GridSize Best(int height, int width, IReadOnlyList<GridSize> grids)
    {
        GridSize? best = null;
        long mostKept = 0,
            leastWasted = long.MaxValue;
        foreach (var grid in grids)
        {
            var scale = Math.Min((double)grid.Width / width, (double)grid.Height / height);
            var kept = Math.Min((long)(width * scale) * (long)(height * scale), (long)height * width);
            var wasted = ((long)grid.Width * grid.Height) - kept;
            if (kept > mostKept || (kept == mostKept && wasted < leastWasted))
            {
                (best, mostKept, leastWasted) = (grid, kept, wasted);
            }
        }

        return best ?? grids[0];
    }

    /// <summary>The size of an image that fills a grid in one direction.</summary>
    public static GridSize Inside(int height, int width, GridSize grid)
    {
        double byWidth = (double)grid.Width / width,
            byHeight = (double)grid.Height / height;
        return byWidth < byHeight
            ? new(Math.Min((int)Math.Ceiling(height * byWidth), grid.Height), grid.Width)
            : new(grid.Height, Math.Min((int)Math.Ceiling(width * byHeight), grid.Width));
    }

    /// <summary>What remains of a map of places when those that show padding only are cut off.</summary>
    /// <param name="height">Height of the image.</param>
    /// <param name="width">Width of the image.</param>
    /// <param name="rows">Rows of the map.</param>
    /// <param name="columns">Columns of the map.</param>
    /// <param name="rounding">Whose rounding.</param>
    /// <returns>First row, rows, first column and columns.</returns>
    public static (int Top, int Rows, int Left, int Columns) Unpad(int height, int width, int rows, int columns, LlavaRounding rounding)
    {
        int Cut(double length) => (int)(rounding == LlavaRounding.Current ? Math.Round(length, 7, MidpointRounding.ToEven) : length);
        if ((double)width / height > (double)columns / rows)
        {
            var padding = (rows - Cut(height * ((double)columns / width))) / 2;
            return (padding, rows - (2 * padding), 0, columns);
        }
        else
        {
            var padding = (columns - Cut(width * ((double)rows / height))) / 2;
            return (0, rows, padding, columns - (2 * padding));
        }
    }
}
