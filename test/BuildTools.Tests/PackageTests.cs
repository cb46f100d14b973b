using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Xml.Linq;
using AirMLNet.BuildTasks;

namespace AirMLNet.BuildTools.Tests;

/// <summary>The package AirMLNet: what it holds, and a project outside this repository that has nothing but it and a LibTorch.</summary>
[TestClass]
public sealed class PackageTests : IDisposable
{
    private const string Library = "libLibTorchSharp.so";

    private readonly string _folder = Directory.CreateTempSubdirectory("package").FullName;

    private string Feed => Path.Combine(_folder, "feed");

    private string Program => Path.Combine(_folder, "program");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void ThePackageHoldsAllThatBelongsToIt()
    {
        Pack();
        using var package = ZipFile.OpenRead(Directory.GetFiles(Feed, "AirMLNet.0*.nupkg").Single());
        string[] files = [.. package.Entries.Select(e => e.FullName)];
        CollectionAssert.IsSubsetOf(new[] { "lib/net10.0/AirMLNet.dll", "lib/net10.0/AirMLNet.xml", "README.md" }, files);
        using var models = ZipFile.OpenRead(Directory.GetFiles(Feed, "AirMLNet.Models.0*.nupkg").Single());
        CollectionAssert.IsSubsetOf(
            new[]
            {
                "lib/net10.0/AirMLNet.Models.dll",
                "buildTransitive/AirMLNet.Models.targets",
                "buildTransitive/AirMLNet.BuildTasks.dll",
            },
            models.Entries.Select(e => e.FullName).ToArray()
        );
        Assert.AreEqual(
            "AirMLNet.Models, Microsoft.Extensions.AI.Abstractions, Microsoft.ML, Microsoft.ML.ImageAnalytics, SixLabors.ImageSharp, "
                + "SkiaSharp, SkiaSharp.NativeAssets.Linux.NoDependencies, SkiaSharp.NativeAssets.Win32, SkiaSharp.NativeAssets.macOS, "
                + "System.ClientModel, TorchSharp",
            Dependencies(package)
        );
        using var generators = ZipFile.OpenRead(Directory.GetFiles(Feed, "AirMLNet.Extensions.AI.0*.nupkg").Single());
        Assert.IsNotNull(generators.GetEntry("lib/net10.0/AirMLNet.Extensions.AI.xml"));
        Assert.AreEqual(
            "AirMLNet.Models, Microsoft.Extensions.AI.Abstractions, SixLabors.ImageSharp, "
                + "SkiaSharp, SkiaSharp.NativeAssets.Win32, SkiaSharp.NativeAssets.macOS, TorchSharp",
            Dependencies(generators)
        );
        var elements = Nuspec(package);
        Assert.AreEqual("MIT", elements.Single(e => e.Name.LocalName == "license").Value);
        using var symbols = ZipFile.OpenRead(Directory.GetFiles(Feed, "AirMLNet.0*.snupkg").Single());
        Assert.IsNotNull(symbols.GetEntry("lib/net10.0/AirMLNet.pdb"));
    }

    [TestMethod]
    public void AProjectOutside_Builds_FitsAndSaves_AndLoadsInASecondProcess()
    {
        Pack();
        WriteProgram();
        var cached = OperatingSystem.IsLinux()
            ? Directory
                .GetFiles(
                    Path.Combine(Repository.Packages, "torchsharp", Repository.TorchSharpVersion),
                    Library,
                    SearchOption.AllDirectories
                )
                .Single()
            : null;
        var before = cached is null ? null : Hash(cached);
        Dotnet("build", "-c", "Release", "-v", "q");
        var program = Path.Combine(Program, "bin", "Release", "net10.0", "program.dll");
        Assert.AreEqual("saved", Dotnet("exec", program, "fit"));
        Assert.AreEqual("two classes", Dotnet("exec", program, "predict"));
        var managed = Path.Combine(Path.GetDirectoryName(program)!, "TorchSharp.dll");
        Assert.IsNull(PatchTorchSharp.Patch(managed, Path.Combine(_folder, "again.dll")), "It asks not to be optimised already.");
        if (cached is null)
        {
            return;
        }

        Assert.AreEqual(before, Hash(cached), "The package cache must not change.");

        // What is published may run on an older system than this one, so it always has the copy.
        var published = Published();
        Assert.AreNotEqual(Path.GetFullPath(cached), published);
        Assert.IsFalse(new ElfFile(File.ReadAllBytes(published), published).MakeWeak(SmallElf.Needed), "It is weak already.");
        Assert.AreEqual(Path.GetFullPath(cached), Published("-p:AirMLNetPatchTorchSharp=false"));
    }

    /// <summary>Its copy of TorchSharp.dll was passed by: trimming left out what it calls, and compiling ahead did not see it.</summary>
    [TestMethod]
    public void WhatIsPublished_CanBeTrimmedInPart_AndTorchSharpIsNotCompiledAhead()
    {
        Pack();
        WriteProgram();
        Dotnet("restore");
        var items = JsonDocument
            .Parse(
                Dotnet(
                    "msbuild",
                    "-t:ComputeResolvedFilesToPublishList",
                    "-getItem:ResolvedFileToPublish,PublishReadyToRunExclude",
                    "-p:Configuration=Release"
                )
            )
            .RootElement.GetProperty("Items");
        var published = items
            .GetProperty("ResolvedFileToPublish")
            .EnumerateArray()
            .Single(i => Path.GetFileName(i.GetProperty("FullPath").GetString()) == "TorchSharp.dll");
        Assert.Contains("torchsharp", Path.GetFileName(Path.GetDirectoryName(published.GetProperty("FullPath").GetString())!));
        Assert.AreEqual("true", published.GetProperty("PostprocessAssembly").GetString());
        CollectionAssert.Contains(
            items.GetProperty("PublishReadyToRunExclude").EnumerateArray().Select(i => i.GetProperty("Identity").GetString()).ToArray(),
            "TorchSharp.dll"
        );
    }

    [TestMethod]
    [DataRow("", false)]
    [DataRow("-p:PublishTrimmed=true", true)]
    [DataRow("-p:PublishTrimmed=true -p:TrimMode=partial", true)]
    [DataRow("-p:PublishTrimmed=true -p:TrimMode=partial -p:JsonSerializerIsReflectionEnabledByDefault=true", false)]
    [DataRow("-p:PublishAot=true -p:PublishTrimmed=true -p:TrimMode=partial -p:JsonSerializerIsReflectionEnabledByDefault=true", true)]
    [DataRow("-t:PrepareForBuild -p:PublishAot=true", true, DisplayName = "What is only built runs without dynamic code, too.")]
    public void TrimmingThatBreaksIt_IsWarnedAbout(string options, bool warned)
    {
        var output = MSBuild("", [.. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-t:PrepareForPublish"]);
        Assert.AreEqual(warned, output.Contains("AIRML005", StringComparison.Ordinal), output);
    }

    /// <summary>`dotnet run app.cs` ended with "Dynamic code generation is not supported on this platform."</summary>
    [TestMethod]
    [DataRow("", "true")]
    [DataRow("<FileBasedProgram>true</FileBasedProgram>", "false")]
    public void AProgramOfOneFile_IsNotCompiledAheadOfTime(string property, string expected) =>
        Assert.AreEqual(expected, MSBuild(property + "<PublishAot>true</PublishAot>", "-getProperty:PublishAot").Trim());

    /// <summary>What a project says that has these properties and the package's targets.</summary>
    private string MSBuild(string properties, params string[] arguments)
    {
        Directory.CreateDirectory(Program);
        var targets = Path.Combine(Repository.Root, "eng", "BuildTasks", "AirMLNet.targets");
        File.WriteAllText(
            Path.Combine(Program, "trimmed.proj"),
            $"""
            <Project>
              <PropertyGroup>{properties}</PropertyGroup>
              <Import Project="{targets}" />
              <Target Name="PrepareForBuild" />
              <Target Name="PrepareForPublish" />
            </Project>
            """
        );
        (var code, var output, var error) = Repository.Run(Program, [], ["msbuild", "trimmed.proj", .. arguments]);
        Assert.AreEqual(0, code, output + error);
        return output;
    }

    private static XElement[] Nuspec(ZipArchive package)
    {
        using var nuspec = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return [.. XDocument.Load(nuspec).Descendants()];
    }

    private static string Dependencies(ZipArchive package) =>
        string.Join(
            ", ",
            Nuspec(package).Where(e => e.Name.LocalName == "dependency").Select(d => d.Attribute("id")!.Value).Order(StringComparer.Ordinal)
        );

    private void Pack()
    {
        foreach (var name in new[] { "AirMLNet.Models", "AirMLNet", "AirMLNet.Extensions.AI" })
        {
            var project = Path.Combine(Repository.Root, "src", name);
            (var code, var output, var error) = Repository.Run(
                _folder,
                [],
                "pack",
                project,
                "-c",
                Repository.Configuration,
                "--no-build",
                "-o",
                Feed,
                "-v",
                "q"
            );
            Assert.AreEqual(0, code, output + error);
        }
    }

    /// <summary>The native library among the files to be published.</summary>
    private string Published(params string[] more)
    {
        var items = Dotnet([
            "msbuild",
            "-t:ComputeResolvedFilesToPublishList",
            "-getItem:ResolvedFileToPublish",
            "-p:Configuration=Release",
            .. more,
        ]);
        return JsonDocument
            .Parse(items)
            .RootElement.GetProperty("Items")
            .GetProperty("ResolvedFileToPublish")
            .EnumerateArray()
            .Select(i => i.GetProperty("FullPath").GetString()!)
            .Single(f => Path.GetFileName(f) == Library);
    }

    /// <summary>
    /// Runs <c>dotnet</c> in the program's folder with the packed package and what this build restored; gives its last line, or all of
    /// JSON.
    /// </summary>
    private string Dotnet(params string[] arguments)
    {
        (string, string)[] environment =
        [
            ("NUGET_PACKAGES", Path.Combine(_folder, "packages")),
            ("RestoreSources", Feed),
            ("RestoreFallbackFolders", Repository.Packages),
        ];
        (var code, var output, var error) = Repository.Run(Program, environment, arguments);
        Assert.AreEqual(0, code, output + error);
        return output.TrimStart().StartsWith('{') ? output : output.TrimEnd().Split('\n')[^1];
    }

    private void WriteProgram()
    {
        Directory.CreateDirectory(Program);
        // Without these, the settings of a folder above would apply.
        foreach (var name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
        {
            File.WriteAllText(Path.Combine(Program, name), "<Project />");
        }

        File.WriteAllText(
            Path.Combine(Program, "program.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <InvariantGlobalization>true</InvariantGlobalization>
                <NoWarn>NU1603</NoWarn>
                <!-- The worst case for the package cache: the output folder shares its files. -->
                <CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>true</CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="AirMLNet" Version="0.1.0" />
                <PackageReference Include="{Repository.Backend}" Version="{Repository.LibTorchVersion}" />
              </ItemGroup>
            </Project>
            """
        );
        File.WriteAllText(
            Path.Combine(Program, "Program.cs"),
            $$"""
            using AirMLNet.Images;
            using Microsoft.ML;

            const string clip = @"{{Path.Combine(Repository.Root, "models", "mini-clip")}}";
            string[] names = ["cat", "ship"];
            var ml = new MLContext(seed: 1);
            if (args[0] == "fit")
            {
                Directory.CreateDirectory("photos");
                for (int i = 0; i < 3; i++)
                    ImageFile.SavePng($"photos/{i}.png", new RgbImage(40, 30, [.. Enumerable.Range(0, 3600).Select(k => (byte)(k * (i + 3)))]));
                IDataView photos = ml.Data.LoadFromImageFolder("photos");
                ml.Model.Save(ml.Transforms.ZeroShot("ImagePath", clip, names).Fit(photos), photos.Schema, "model.zip");
                Console.WriteLine("saved");
            }
            else
            {
                var model = ml.Model.Load("model.zip", out _);
                using var engine = ml.Model.CreatePredictionEngine<Photo, Answer>(model);
                Answer answer = engine.Predict(new Photo { ImagePath = "photos/0.png" });
                Console.WriteLine(answer.Score.Length == 2 && Math.Abs(answer.Score.Sum() - 1) < 1e-4 ? "two classes" : "wrong");
            }

            public sealed class Photo { public string ImagePath { get; set; } = ""; }
            public sealed class Answer { public float[] Score { get; set; } = []; }
            """
        );
    }

    private static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
}
