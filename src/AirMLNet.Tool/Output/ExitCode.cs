namespace AirMLNet.Tool.Output;

/// <summary>What the program ends with, where it is not 0.</summary>
internal static class ExitCode
{
    /// <summary>Something went wrong.</summary>
    public const int Failed = 1;

    /// <summary>What was asked for makes no sense.</summary>
    public const int WrongUsage = 2;

    /// <summary>Ctrl-C.</summary>
    public const int Cancelled = 130;
}
