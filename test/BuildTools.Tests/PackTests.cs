using System.IO.Compression;
using System.Xml.Linq;

namespace AirMLNet.Publicizer.Tests;

/// <summary>The product built on packages, and what its own two packages hold.</summary>
[TestClass]
public sealed class PackTests : IDisposable
{
    private const string ExtensionsAI = "10.11.0";

    private readonly string _folder = Directory.CreateTempSubdirectory("pack").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void Library_and_tool_are_packed_on_the_official_packages_with_all_that_belongs_to_them()
    {
        string feed = Feed();
        string root = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(StandIns.Engineering))!;
        foreach (string file in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", ".editorconfig", "README.md" })
            File.Copy(Path.Combine(root, file), Path.Combine(_folder, file));
        foreach (string folder in new[] { "eng", "src/AirMLNet", "src/AirMLNet.Tool" })
            Copy(Path.Combine(root, folder), Path.Combine(_folder, folder));
        string output = Path.Combine(_folder, "out");
        foreach (string project in new[] { "src/AirMLNet", "src/AirMLNet.Tool" })
        {
            (int code, string text) = StandIns.Dotnet(_folder, feed, "pack", project, "-c", "Release", "-p:Packages=NuGet", "-p:NuGetSource=" + feed, "-o", output);
            Assert.AreEqual(0, code, text);
        }

        XDocument library = Nuspec(output, "AirMLNet", out List<string> files);
        Assert.AreEqual(
            $"Microsoft.Extensions.AI.Abstractions {ExtensionsAI}, Microsoft.ML {StandIns.Version}, Microsoft.ML.ImageAnalytics {StandIns.Version}, SixLabors.ImageSharp {StandIns.Version}, TorchSharp {StandIns.Version}",
            string.Join(", ", Elements(library, "dependency").Select(d => $"{d.Attribute("id")!.Value} {d.Attribute("version")!.Value}").Order(StringComparer.Ordinal)));
        CollectionAssert.IsSubsetOf(new[] { "lib/net10.0/AirMLNet.dll", "lib/net10.0/AirMLNet.xml", "README.md" }, files);
        XDocument tool = Nuspec(output, "AirMLNet.Tool", out files);
        Assert.AreEqual("DotnetTool", Elements(tool, "packageType").Single().Attribute("name")!.Value);
        CollectionAssert.IsSubsetOf(new[] { "tools/net10.0/any/airml.dll", "tools/net10.0/any/AirMLNet.dll", "tools/net10.0/any/DotnetToolSettings.xml", "README.md" }, files);
        foreach (XDocument nuspec in new[] { library, tool })
        {
            Assert.AreEqual("MIT", Elements(nuspec, "license").Single().Value);
            Assert.AreEqual("README.md", Elements(nuspec, "readme").Single().Value);
            Assert.DoesNotContain("Package Description", Elements(nuspec, "description").Single().Value);
        }
        using ZipArchive symbols = ZipFile.OpenRead(Directory.GetFiles(output, "AirMLNet.0*.snupkg").Single());
        Assert.IsNotNull(symbols.GetEntry("lib/net10.0/AirMLNet.pdb"));
    }

    private string Feed()
    {
        string feed = Path.Combine(_folder, "feed");
        StandIns.Pack(feed, "Microsoft.ML", "Microsoft.ML.DataView", "Microsoft.ML.Core", "Microsoft.ML.Data", "Microsoft.ML.Transforms", "Microsoft.ML.StandardTrainers");
        StandIns.Pack(feed, "Microsoft.ML.ImageAnalytics", "Microsoft.ML.ImageAnalytics");
        StandIns.Pack(feed, "TorchSharp", "TorchSharp");
        StandIns.Pack(feed, "TorchSharp-cpu");
        StandIns.Pack(feed, "SixLabors.ImageSharp", ImageSharp(feed));
        return feed;
    }

    /// <summary>The members of ImageSharp that the codec uses, without what they do; gives the path without its ending.</summary>
    private string ImageSharp(string feed)
    {
        string folder = Path.Combine(_folder, "imagesharp");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(folder, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(folder, "Directory.Packages.props"), "<Project />");
        File.WriteAllText(Path.Combine(folder, "ImageSharp.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <AssemblyName>SixLabors.ImageSharp</AssemblyName>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "ImageSharp.cs"), """
            namespace SixLabors.ImageSharp
            {
                using Formats;
                using Formats.Png;

                public class ImageFormatException : Exception;
                public struct Color { public static Color White => default; }
                public class ImageInfo { public int Width { get; } public int Height { get; } }
                public abstract class Image : IDisposable
                {
                    public int Width { get; }
                    public int Height { get; }
                    public void Dispose() { }
                    public static ImageInfo Identify(DecoderOptions options, ReadOnlySpan<byte> buffer) => null;
                    public static Image<T> Load<T>(DecoderOptions options, ReadOnlySpan<byte> buffer) where T : unmanaged => null;
                    public static Image<T> LoadPixelData<T>(ReadOnlySpan<byte> data, int width, int height) where T : unmanaged => null;
                    public void Save(Stream stream, PngEncoder encoder) { }
                }
                public sealed class Image<T> : Image where T : unmanaged
                {
                    public Image<U> CloneAs<U>() where U : unmanaged => null;
                    public void CopyPixelDataTo(Span<byte> destination) { }
                }
            }
            namespace SixLabors.ImageSharp.Formats
            {
                public class DecoderOptions { public uint MaxFrames { get; init; } public bool SkipMetadata { get; init; } }
            }
            namespace SixLabors.ImageSharp.Formats.Png
            {
                public enum PngColorType { Rgb }
                public enum PngBitDepth { Bit8 }
                public class PngEncoder { public PngColorType? ColorType { get; init; } public PngBitDepth? BitDepth { get; init; } public bool SkipMetadata { get; init; } }
            }
            namespace SixLabors.ImageSharp.PixelFormats
            {
                public struct Rgba32;
                public struct Rgb24;
            }
            namespace SixLabors.ImageSharp.Processing
            {
                public interface IImageProcessingContext;
                public static class Processing
                {
                    public static void Mutate(this Image image, Action<IImageProcessingContext> operation) { }
                    public static IImageProcessingContext AutoOrient(this IImageProcessingContext context) => context;
                    public static IImageProcessingContext BackgroundColor(this IImageProcessingContext context, Color color) => context;
                }
            }
            """);
        (int code, string text) = StandIns.Dotnet(folder, feed, "build", "-c", "Release", "-o", Path.Combine(folder, "out"));
        Assert.AreEqual(0, code, text);
        return Path.Combine(folder, "out", "SixLabors.ImageSharp");
    }

    private static XDocument Nuspec(string folder, string id, out List<string> files)
    {
        using ZipArchive package = ZipFile.OpenRead(Directory.GetFiles(folder, id + ".0*.nupkg").Single());
        files = [.. package.Entries.Select(e => e.FullName)];
        using Stream nuspec = package.GetEntry(id + ".nuspec")!.Open();
        return XDocument.Load(nuspec);
    }

    private static IEnumerable<XElement> Elements(XDocument nuspec, string name) => nuspec.Descendants().Where(e => e.Name.LocalName == name);

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string folder in Directory.GetDirectories(from))
        {
            if (Path.GetFileName(folder) is not ("bin" or "obj"))
                Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }
}
