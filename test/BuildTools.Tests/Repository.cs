using System.Diagnostics;
using System.Reflection;

namespace AirMLNet.BuildTools.Tests;

/// <summary>The repository that is tested, as the build knows it, and <c>dotnet</c> in a process of its own.</summary>
internal static class Repository
{
    public static string Root { get; } = Metadata("Root");

    /// <summary>Where this build has its packages from.</summary>
    public static string Packages { get; } = Metadata("Packages");

    public static string TorchSharpVersion { get; } = Metadata("TorchSharpVersion");

    /// <summary>The package with the LibTorch of this system.</summary>
    public static string Backend { get; } = Metadata("Backend");

    public static string LibTorchVersion { get; } = Metadata("LibTorchVersion");

    public static string Configuration { get; } =
        typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    public static (int Code, string Output, string Error) Run(
        string folder,
        (string Name, string Value)[] environment,
        params string[] arguments
    )
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((var name, var value) in environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        // What the build that runs the tests found out about itself is not for another.
        foreach (var inherited in new[] { "MSBuildSDKsPath", "MSBUILD_EXE_PATH", "MSBuildExtensionsPath" })
        {
            start.Environment.Remove(inherited);
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
