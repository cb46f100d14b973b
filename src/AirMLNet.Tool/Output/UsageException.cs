namespace AirMLNet.Tool.Output;

/// <summary>The command line itself is wrong (not the data it names): exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
