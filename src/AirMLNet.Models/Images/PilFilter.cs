namespace AirMLNet.Images;

/// <summary>Pillow's filters, under its numbers.</summary>
internal enum PilFilter
{
    /// <summary>The pixel that lies nearest.</summary>
    Nearest = 0,

    /// <summary>Three lobes of a windowed sinc.</summary>
    Lanczos = 1,

    /// <summary>A triangle.</summary>
    Bilinear = 2,

    /// <summary>Cubic pieces with a = −0.5.</summary>
    Bicubic = 3,

    /// <summary>The mean.</summary>
    Box = 4,

    /// <summary>A sinc under Hamming's window.</summary>
    Hamming = 5,
}

internal static partial class PilResize
{
    /// <summary>A filter; a structure, so that the compiler makes code of its own for each.</summary>
    private interface IFilter
    {
        /// <summary>How far from its middle a filter reaches, in pixels of the smaller image.</summary>
        static abstract double Support { get; }

        /// <summary>The weight at a distance.</summary>
        static abstract double At(double x);
    }

    private readonly struct CubicFilter : IFilter
    {
        private const double A = -0.5;

        public static double Support => 2;

        public static double At(double x)
        {
            x = Math.Abs(x);
            return x < 1 ? ((A + 2) * x - (A + 3)) * x * x + 1
                : x < 2 ? (((x - 5) * x + 8) * x - 4) * A
                : 0;
        }
    }

    private readonly struct TriangleFilter : IFilter
    {
        public static double Support => 1;

        public static double At(double x) => Math.Max(0, 1 - Math.Abs(x));
    }

    private readonly struct BoxFilter : IFilter
    {
        public static double Support => 0.5;

        public static double At(double x) => x is > -0.5 and <= 0.5 ? 1 : 0;
    }

    private readonly struct HammingFilter : IFilter
    {
        public static double Support => 1;

        public static double At(double x)
        {
            x = Math.Abs(x);
            return x == 0 ? 1
                : x >= 1 ? 0
                : Math.Sin(x * Math.PI) / (x * Math.PI) * (0.54 + (0.46 * Math.Cos(x * Math.PI)));
        }
    }

    private readonly struct LanczosFilter : IFilter
    {
        public static double Support => 3;

        public static double At(double x) => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0;

        private static double Sinc(double x)
        {
            x *= Math.PI;
            return x == 0 ? 1 : Math.Sin(x) / x;
        }
    }
}
