namespace AirMLNet.Pipeline;

/// <summary>What the origin column says of a row.</summary>
internal static class RowOrigin
{
    public const string Real = "real",
        Synthetic = "synthetic";
}
