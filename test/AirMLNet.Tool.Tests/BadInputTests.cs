using System.Buffers.Binary;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>Bad input ends in one line that names the culprit, exit code 1, and nothing half-written.</summary>
[TestClass]
public sealed class BadInputTests
{
    private readonly TemporaryFolder _folder = new();

    private string Output => _folder["out", "model.zip"];

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    public void AnEmptyImageFolder()
    {
        var images = Directory.CreateDirectory(_folder["photos"]).FullName;
        Adapt(images).Failed(1, images);
        NothingWritten();
    }

    [TestMethod]
    public void AnImageFolderThatIsNotThere()
    {
        Adapt(_folder["photos"]).Failed(1, _folder["photos"]);
        NothingWritten();
    }

    [TestMethod]
    [DataRow("cat", "dog", "Cat")]
    [DataRow("cat")]
    public void ClassNamesThatCannotBeUsed(params string[] names)
    {
        var classes = TinyData.Classes(_folder["classes.txt"], names);
        Adapt(TinyData.Images(_folder["photos"]), classes).Failed(1, "classes.txt");
        NothingWritten();
    }

    [TestMethod]
    public void ATruncatedImageStopsUnlessItMayBeSkipped()
    {
        var images = TinyData.Images(_folder["photos"]);
        TinyData.Halve(Path.Combine(images, "11.png"));
        Adapt(images).Failed(1, "11.png", "--skip-unreadable");
        NothingWritten();

        var skipped = Adapt(images, extra: "--skip-unreadable");
        skipped.Succeeded();
        Assert.Contains("11.png", skipped.Error);
        Assert.IsTrue(File.Exists(Output));
    }

    /// <summary>LibTorch's message goes on with the functions that it comes from.</summary>
    [TestMethod]
    public void AModelThatNoMemoryHolds()
    {
        var clip = TinyModels.Copy(TinyModels.Clip, _folder["clip"]);
        var config = Path.Combine(clip, "config.json");
        File.WriteAllText(
            config,
            File.ReadAllText(config).Replace("\"hidden_size\": 32", "\"hidden_size\": 16000000", StringComparison.Ordinal)
        );
        var failed = Adapt(TinyData.Images(_folder["photos"]), clip: clip);
        failed.Failed(1, "can't allocate memory");
        Assert.DoesNotContain("frame #", failed.Error);
        NothingWritten();
    }

    [TestMethod]
    public void AFolderThatIsNotAModel()
    {
        var clip = Directory.CreateDirectory(_folder["not-a-model"]).FullName;
        Adapt(TinyData.Images(_folder["photos"]), clip: clip).Failed(1, clip);
        NothingWritten();
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1L << 60)]
    public void WeightsWithACorruptHeader(long headerLength)
    {
        var clip = TinyClip.Create(_folder["clip"]);
        var weights = Path.Combine(clip, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        if (headerLength == 0)
        {
            // The length stays right; the JSON it announces does not.
            bytes.AsSpan(8, 16).Fill((byte)'{');
        }
        else
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, headerLength);
        }

        File.WriteAllBytes(weights, bytes);
        Adapt(TinyData.Images(_folder["photos"]), clip: clip).Failed(1, "model.safetensors");
        NothingWritten();
    }

    /// <summary>The input was lost, with exit code 0.</summary>
    [TestMethod]
    public void AnOutputThatIsAnInput()
    {
        var images = TinyData.Images(_folder["photos"]);
        Adapt(images).Succeeded();
        var model = File.ReadAllBytes(Output);
        Airml.Run("report", Output, images, "-o", Output).Failed(2, "--output is", "which is MODEL too");
        var link = _folder["link.zip"];
        File.CreateSymbolicLink(link, Output);
        Airml.Run("report", Output, images, "-o", link).Failed(2, "which is MODEL too");
        CollectionAssert.AreEqual(model, File.ReadAllBytes(Output));

        var classes = TinyData.Classes(_folder["classes.txt"]);
        Airml
            .Run("adapt", images, "--classes", classes, "--clip", TinyModels.Clip, "--method", "zero-shot", "-o", classes)
            .Failed(2, "which is --classes too");
        var photo = Directory.GetFiles(images)[0];
        Airml.Run("report", Output, images, "-o", photo).Failed(2, "which is an image");
    }

    /// <summary>The model's weights, and with the rights for it a device of the system, became a file of results.</summary>
    [TestMethod]
    public void AnOutputThatIsPartOfAModel_OrNoPlaceForAFile()
    {
        var images = TinyData.Images(_folder["photos"]);
        var clip = TinyClip.Create(_folder["clip"]);
        var weights = Path.Combine(clip, "model.safetensors");
        var before = File.ReadAllBytes(weights);
        Airml.Run("embed", images, "--clip", clip, "-o", weights).Failed(2, "--output is", "a file of --clip, the model");
        CollectionAssert.AreEqual(before, File.ReadAllBytes(weights));

        var classes = TinyData.Classes(_folder["classes.txt"]);
        string[] adapt = ["adapt", images, "--classes", classes, "--clip", clip, "--method", "zero-shot", "-o"];
        Airml.Run([.. adapt, "/proc/airml-test.zip"]).Failed(1, "is a device");
        Airml.Run([.. adapt, _folder["new"] + "/"]).Failed(1, "is a folder");
        Airml.Run([.. adapt, classes + "/model.zip"]).Failed(1, "is a file");
        Airml.Run([.. adapt, ""]).Failed(2, "--output is empty");
        Airml.Run("embed", images, "--clip", clip, "-o", classes + "/x.npy").Failed(1, "is a file");
        Airml.Run("embed", "", "--clip", clip, "-o", _folder["x.npy"]).Failed(2, "IMAGES is empty");
        Airml.Run("embed", images, "--clip", clip, "-o", _folder["x"]).Failed(1, "must end in");
        Airml.Run("embed", images, "--clip", "", "-o", _folder["x.npy"]).Failed(2, "folder of a model is empty");
        Assert.IsFalse(Directory.Exists(_folder["new"]));
    }

    [TestMethod]
    [DataRow("--seeds", "1,1,2")]
    [DataRow("--seeds", "1,,2")]
    [DataRow("--methods", "fpl,fpl")]
    public void WhatIsComparedTwice(string option, string values) =>
        Airml
            .Run("compare", "photos", "--test", "photos", "--classes", "c.txt", "--clip", "m", option, values)
            .Failed(2, values.Contains(",,", StringComparison.Ordinal) ? "'' is not one" : "is there twice");

    [TestMethod]
    public void AModelZipCutInHalf()
    {
        var images = TinyData.Images(_folder["photos"]);
        Adapt(images).Succeeded();
        TinyData.Halve(Output);
        Airml.Run("predict", Output, images).Failed(1, "model.zip");
        Airml.Run("evaluate", Output, images).Failed(1, "model.zip");
    }

    [TestMethod]
    public void AModelThatIsNotThere() =>
        Airml.Run("predict", _folder["model.zip"], TinyData.Images(_folder["photos"])).Failed(1, _folder["model.zip"]);

    [TestMethod]
    public void AFolderThatIsNoneOfTheClasses()
    {
        var images = TinyData.Images(_folder["photos"], byClass: true);
        Adapt(images).Succeeded();
        Directory.Move(Path.Combine(images, "blue"), Path.Combine(images, "mauve"));
        Airml.Run("evaluate", Output, images).Failed(1, "mauve", "blue");

        // As a file system or a person may write it: the report took it for the class.
        Directory.Move(Path.Combine(images, "mauve"), Path.Combine(images, "-Blue_"));
        Airml.Run("evaluate", Output, images).Succeeded();
    }

    /// <summary>A table with a column for each took minutes, and showed an ellipsis.</summary>
    [TestMethod]
    public void MoreClassesThanAPageIsWide_AreMeasuredInRows()
    {
        var images = TinyData.Images(_folder["photos"], byClass: true);
        string[] names = [.. TinyData.ClassNames, .. Enumerable.Range(0, 30).Select(i => $"thing [{i}]")];
        Adapt(images, TinyData.Classes(_folder["classes.txt"], names)).Succeeded();
        var table = Airml.Run("evaluate", Output, images).Succeeded();
        Assert.Contains("most often taken for", table);
        Assert.HasCount(
            3,
            table.Split('\n').Where(line => TinyData.ClassNames.Any(n => line.Trim().StartsWith(n, StringComparison.Ordinal)))
        );
        Assert.Contains("12 images: accuracy", table);
    }

    /// <summary>Photos of a phone were left out in silence.</summary>
    [TestMethod]
    public void PicturesThatAreNotRead_AreSaid()
    {
        var images = TinyData.Images(_folder["photos"]);
        File.WriteAllText(Path.Combine(images, "IMG_1.HEIC"), "");
        Assert.Contains("left out, 1 ending in .heic; save them as JPEG or PNG", Adapt(images).Error);
        var embedded = Airml.Run("embed", images, "--clip", TinyModels.Clip, "-o", _folder["x.npy"]);
        embedded.Succeeded();
        Assert.Contains("1 ending in .heic", embedded.Error);
    }

    /// <summary>Access was said to be denied, after all the work.</summary>
    [TestMethod]
    public void StandardOutputThatIsClosed_IsSaidAtOnce()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("a shell of Unix closes it");
        }

        var airml = Path.Combine(AppContext.BaseDirectory, "airml.dll");
        foreach (var (closed, code) in new[] { (">&-", 1), ("2>&-", 1) })
        {
            using var shell = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", $"dotnet '{airml}' predict none.zip photos {closed}"])
                {
                    RedirectStandardError = true,
                }
            )!;
            var error = shell.StandardError.ReadToEnd();
            shell.WaitForExit();
            Assert.AreEqual(code, shell.ExitCode, error);
            if (closed == ">&-")
            {
                Assert.StartsWith("airml: standard output is closed", error);
            }
        }
    }

    [TestMethod]
    public void VerboseShowsWhereItHappened()
    {
        var result = Airml.Run("predict", _folder["model.zip"], _folder.Path, "--verbose");
        Assert.AreEqual(1, result.ExitCode);
        Assert.Contains("   at ", result.Error);
    }

    private ToolProcess Adapt(string images, string? classes = null, string? clip = null, string extra = "--json") =>
        Airml.Run(
            "adapt",
            images,
            "-o",
            Output,
            "--method",
            "zero-shot",
            extra,
            "--classes",
            classes ?? TinyData.Classes(_folder["classes.txt"]),
            "--clip",
            clip ?? TinyModels.Clip
        );

    private void NothingWritten()
    {
        var folder = Path.GetDirectoryName(Output)!;
        if (Directory.Exists(folder))
        {
            Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
        }
    }
}
