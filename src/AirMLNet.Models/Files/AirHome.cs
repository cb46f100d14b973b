namespace AirMLNet.Files;

/// <summary>The folder for models and for what is made once and kept: the one that <c>AIRMLNET_HOME</c> names.</summary>
internal static class AirHome
{
    /// <summary>The environment variable.</summary>
    public const string Variable = "AIRMLNET_HOME";

    /// <summary>The folder that the variable names; null where it is not set.</summary>
    public static string? Given => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } home ? home : null;

    /// <summary>The same, or <c>AirMLNet</c> in the user's folder for such data.</summary>
    public static string Folder =>
        Given
        ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "AirMLNet"
        );
}
