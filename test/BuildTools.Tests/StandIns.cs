using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;

namespace AirMLNet.Publicizer.Tests;

/// <summary>Packages with the official names, made from the offline assemblies, and <c>dotnet</c> with nothing but them.</summary>
internal static class StandIns
{
    internal const string Version = "0.0.1";

    /// <summary>The folder <c>eng</c> of the repository.</summary>
    internal static string Engineering { get; } = Metadata("Engineering");

    // Where this build has its packages from: what is no stand-in is taken from there.
    private static string Packages { get; } = Metadata("Packages");

    private static string Metadata(string key) => typeof(StandIns).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    /// <summary>Writes a package of assemblies that lie beside this one, or at a full path.</summary>
    internal static void Pack(string feed, string id, params string[] assemblies)
    {
        Directory.CreateDirectory(feed);
        using ZipArchive package = ZipFile.Open(Path.Combine(feed, $"{id}.{Version}.nupkg"), ZipArchiveMode.Create);
        using (var writer = new StreamWriter(package.CreateEntry($"{id}.nuspec").Open()))
        {
            writer.Write($"""
                <?xml version="1.0" encoding="utf-8"?>
                <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
                  <metadata><id>{id}</id><version>{Version}</version><authors>tests</authors><description>tests</description></metadata>
                </package>
                """);
        }
        package.CreateEntry("lib/net10.0/_._");
        foreach (string assembly in assemblies)
            package.CreateEntryFromFile(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), $"lib/net10.0/{Path.GetFileName(assembly)}.dll");
    }

    /// <summary>Runs <c>dotnet</c> with the packages of a folder as the only source.</summary>
    internal static (int Code, string Output) Dotnet(string folder, string feed, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        if (arguments[0] is "build" or "pack")
        {
            foreach (string property in new[] { "MicrosoftMLVersion=" + Version, "TorchSharpVersion=" + Version, "ImageSharpVersion=" + Version, "PublicizerDll=" + Path.Combine(AppContext.BaseDirectory, "publicizer.dll") })
                start.ArgumentList.Add("-p:" + property);
        }
        // Nothing of the test lands in the user's packages, and no other source is asked.
        start.Environment["NUGET_PACKAGES"] = Path.Combine(folder, "packages");
        start.Environment["RestoreSources"] = feed;
        start.Environment["RestoreFallbackFolders"] = Packages;
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        foreach (string inherited in new[] { "MSBuildSDKsPath", "MSBUILD_EXE_PATH", "MSBuildExtensionsPath" })
            start.Environment.Remove(inherited);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}
