#pragma warning disable MEAI001, AIRML003 // experimental
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Synthesis;
using AirMLNet.Testing;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Synthesis;

/// <summary>Synthetic images as rows.</summary>
[TestClass]
public sealed class DiffusionSynthesisTests
{
    private static TemporaryFolder _root = null!;

    [ClassInitialize]
    public static void Create(TestContext _) => _root = new();

    [ClassCleanup]
    public static void Delete() => _root.Dispose();

    [TestMethod]
    public void RowsOfEveryClassAreAppended()
    {
        var f = new SynthesisFixture(_root);
        var data = f.Labelled();
        var fitted = f.Context.Transforms.DiffusionSynthesis(f.Options("rows")).Fit(data);
        var view = fitted.Transform(data);

        Assert.AreEqual(24, view.GetRowCount());
        CollectionAssert.AreEqual(
            Enumerable.Repeat("real", 12).Concat(Enumerable.Repeat("synthetic", 12)).ToArray(),
            Texts(view, "Origin")
        );
        CollectionAssert.AreEqual(
            Enumerable.Repeat(0u, 12).Concat(Enumerable.Range(0, 12).Select(i => (uint)(i / 4) + 1)).ToArray(),
            StageFixture.Column<uint>(view, "Label")
        );
        CollectionAssert.AreEqual(f.Rows.Select(r => r.Name).Concat(Enumerable.Repeat("", 12)).ToArray(), Texts(view, "Name"));
        CollectionAssert.AreEqual(
            StageFixture.Column<uint>(data, "PseudoLabel").Concat(new uint[12]).ToArray(),
            StageFixture.Column<uint>(view, "PseudoLabel")
        );
        Assert.AreEqual(24, Ids(view).Distinct().Count());
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        view.Schema["Label"].GetKeyValues(ref names);
        CollectionAssert.AreEqual(SynthesisFixture.Names, names.DenseValues().Select(n => n.ToString()).ToArray());

        // Features are those of the files, confidences those of zero-shot CLIP, and each class has its surest image.
        var paths = Texts(view, "ImagePath");
        Assert.IsTrue(paths.All(File.Exists));
        Assert.AreEqual(Path.Combine(f.Root, "rows", "images", "green", "0002.png"), paths[18]);
        var again = f.Context.Data.LoadFromEnumerable(paths.Skip(12).Select(p => new PictureRow { ImagePath = p }).ToArray());
        var scored = f
            .Context.Transforms.ClipFeature("Features", "ImagePath", f.ClipFolder)
            .Append(
                f.Context.MulticlassClassification.Trainers.ZeroShot(
                    new() { ClipFolder = f.ClipFolder, ClassNames = SynthesisFixture.Names }
                )
            )
            .Fit(again)
            .Transform(again);
        var (expected, scores) = (StageFixture.Vectors(scored, "Features"), StageFixture.Vectors(scored, "Score"));
        var (features, confidence) = (StageFixture.Vectors(view, "Features"), StageFixture.Column<float>(view, "PseudoLabelConfidence"));
        CollectionAssert.AreEqual(StageFixture.Column<float>(data, "PseudoLabelConfidence"), confidence[..12]);
        for (var i = 0; i < 12; i++)
        {
            for (var d = 0; d < expected[i].Length; d++)
            {
                Assert.AreEqual(expected[i][d], features[12 + i][d], 1e-5f);
            }

            Assert.AreEqual(scores[i][i / 4], confidence[12 + i], 1e-4f);
            Assert.AreEqual(confidence[12 + i], fitted.Images[i].Confidence);
        }

        for (var c = 0; c < 3; c++)
        {
            var best = fitted.Images.Where(i => i.Class == c).OrderByDescending(i => i.Confidence).First();
            Assert.AreSame(best, fitted.Images.Single(i => i.Class == c && i.IsRepresentative));
        }

        Assert.IsTrue(File.Exists(fitted.LoraFile));
        Assert.IsTrue(File.Exists(Path.Combine(f.Root, "rows", "contact-sheet.png")));
    }

    [TestMethod]
    public void LabelledImages_AreCappedLikePseudoLabelledOnes_SoThatUnseenClassesAreLearned()
    {
        // As in transductive learning: 40 labelled images of each of two classes, and pseudo-labels of the third alone.
        var f = new SynthesisFixture(_root, images: 120);
        var rows = f.Rows.Select(
            (r, i) =>
                new TransductiveRow
                {
                    ImagePath = r.ImagePath,
                    Name = r.Number < 2 ? SynthesisFixture.Names[r.Number] : "",
                    PseudoName = r.Number == 2 ? SynthesisFixture.Names[2] : "",
                    PseudoLabelConfidence = i,
                }
        );
        var ml = f.Context;
        IDataView data = ml.Data.LoadFromEnumerable(rows),
            names = ml.Data.LoadFromEnumerable(SynthesisFixture.Names.Select(n => new NameRow { Label = n }));
        foreach (var (key, name) in new[] { ("Label", "Name"), ("PseudoLabel", "PseudoName") })
        {
            data = ml.Transforms.Conversion.MapValueToKey(key, name, keyData: names).Fit(data).Transform(data);
        }

        var options = f.Options("capped") with { Shots = 5, FineTune = true };
        var source = SynthesisTrainingRows.Read(
            data,
            options,
            SynthesisColumns.Of(data.Schema, options, TinyClip.FeatureDimension, fit: true)
        );
        var examples = source.Examples(data);
        CollectionAssert.AreEqual(new[] { 5, 5, 5 }, source.PerClass.ToArray());
        Assert.HasCount(15, examples);
        // They are spread over the rows, not the first ones.
        int[] labelled = [.. Enumerable.Range(0, 5).Select(k => 24 * k)];
        CollectionAssert.IsSubsetOf(labelled.Select(i => f.Rows[i].ImagePath).ToArray(), examples.Select(e => e.Name).ToArray());
    }

    private sealed class TransductiveRow
    {
        public string ImagePath { get; set; } = "";
        public string Name { get; set; } = "";
        public string PseudoName { get; set; } = "";
        public float PseudoLabelConfidence { get; set; }
    }

    [TestMethod]
    public void InTheTrainingScopeOnly_TheChainScoresWithoutThem()
    {
        var f = new SynthesisFixture(_root);
        var data = f.Context.Data.LoadFromEnumerable(f.Rows);
        var ml = f.Context;
        var chain = ml
            .Transforms.ClipFeature("Features", "ImagePath", f.ClipFolder)
            .Append(
                ml.Transforms.PseudoLabel(
                    "PseudoLabel",
                    "Features",
                    new PseudoLabelOptions
                    {
                        ClipFolder = f.ClipFolder,
                        ClassNames = SynthesisFixture.Names,
                        PerClass = 3,
                    }
                )
            )
            .Append(ml.Transforms.DiffusionSynthesis(f.Options("scope") with { FineTune = false }), TransformerScope.TrainTest)
            .Append(
                ml.Transforms.PrototypeClassifier("PrototypeScore", "Features", new PrototypeClassifierOptions { LabelColumn = "Label" })
            );
        var model = chain.Fit(data);
        Assert.AreEqual(12, model.Transform(data).GetRowCount());
        // The prototypes are the representatives.
        var images = ((DiffusionSynthesisTransformer)model.ElementAt(2))
            .Images.Where(i => i.IsRepresentative)
            .OrderBy(i => i.Class)
            .ToArray();
        var features = AirMLNet.Clip.ClipBackbone.Acquire(f.ClipFolder) is var clip
            ? AirMLNet.Clip.ClipImages.Encode(clip, images.Length, i => ImageFile.Load(images[i].Path))
            : [];
        clip.Release();
        for (var i = 0; i < features.Length; i++)
        {
            Assert.AreEqual(features[i], model.LastTransformer.Head.Weights.ToArray()[i], 1e-5f);
        }

        var path = Path.Combine(_root, "scope.zip");
        ml.Model.Save(model, data.Schema, path);
        var loaded = new MLContext().Model.Load(path, out _);
        CollectionAssert.AreEqual(
            StageFixture.Vectors(model.Transform(data), "PrototypeScore").SelectMany(v => v).ToArray(),
            StageFixture.Vectors(loaded.Transform(data), "PrototypeScore").SelectMany(v => v).ToArray()
        );
        var expected = StageFixture.Vectors(model.Transform(data), "PrototypeScore")[0];
        foreach (var chained in new ITransformer[] { model, loaded })
        {
            using var engine = ml.Model.CreatePredictionEngine<PictureRow, PictureScore>(chained);
            var found = engine.Predict(f.Rows[0]).PrototypeScore;
            for (var c = 0; c < 3; c++)
            {
                Assert.AreEqual(expected[c], found[c], 1e-5f);
            }
        }
    }

    [TestMethod]
    public void TheSchemaBeforeTheFitIsTheOneAfterIt_AndAReloadedStageGivesTheSame()
    {
        var f = new SynthesisFixture(_root);
        var data = f.Labelled();
        var estimator = f.Context.Transforms.DiffusionSynthesis(f.Options("schema") with { FineTune = false });
        var fitted = estimator.Fit(data);
        static string Describe(SchemaShape shape) =>
            string.Join(
                '\n',
                shape
                    .OrderBy(c => c.Name, StringComparer.Ordinal)
                    .Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey} {string.Join(',', c.Annotations.Select(a => a.Name))}")
            );
        SchemaShape Shape(DataViewSchema schema) =>
            (SchemaShape)
                typeof(SchemaShape)
                    .GetMethod(
                        "Create",
                        System.Reflection.BindingFlags.Static
                            | System.Reflection.BindingFlags.NonPublic
                            | System.Reflection.BindingFlags.Public
                    )!
                    .Invoke(null, [schema])!;
        var before = Describe(estimator.GetOutputSchema(Shape(data.Schema)));
        Assert.AreEqual(before, Describe(Shape(fitted.GetOutputSchema(data.Schema))));
        Assert.AreEqual(before, Describe(Shape(fitted.Transform(data).Schema)));

        var path = Path.Combine(_root, "stage.zip");
        f.Context.Model.Save(fitted, data.Schema, path);
        var loaded = (DiffusionSynthesisTransformer)new MLContext().Model.Load(path, out _);
        CollectionAssert.AreEqual(fitted.Images.ToArray(), loaded.Images.ToArray());
        CollectionAssert.AreEqual(Bits(fitted.Transform(data)), Bits(loaded.Transform(data)));
    }

    [TestMethod]
    public void AKilledFitEndsWithTheSameFiles()
    {
        var f = new SynthesisFixture(_root);
        f.Context.Transforms.DiffusionSynthesis(f.Options("whole")).Fit(f.Labelled());
        foreach (
            var (activity, done) in new[]
            {
                ("fine-tuning the diffusion model", 3),
                ("fine-tuning the diffusion model", 5),
                ("generating images", 2),
                ("generating images", 8),
            }
        )
        {
            var (code, _, _) = ChildProcess.Run("--synthesis", _root, "parts", activity, $"{done}");
            Assert.AreNotEqual(0, code);
        }

        Assert.IsFalse(File.Exists(Path.Combine(_root, "parts", "contact-sheet.png")));
        Assert.IsFalse(File.Exists(Path.Combine(_root, "parts", "images", "blue", "0003.png")));
        Assert.AreEqual((0, ""), (ChildProcess.Run("--synthesis", _root, "parts", "never", "0") is var end ? end.ExitCode : 1, end.Error));
        string[] Files(string work) =>
            [
                .. Directory
                    .GetFiles(Path.Combine(_root, work), "*", SearchOption.AllDirectories)
                    .Select(p => Path.GetRelativePath(Path.Combine(_root, work), p))
                    .Order(StringComparer.Ordinal),
            ];
        CollectionAssert.AreEqual(Files("whole"), Files("parts"));
        foreach (var file in Files("whole"))
        {
            var (one, other) = (Path.Combine(_root, "whole", file), Path.Combine(_root, "parts", file));
            // Headers say how long the training took, and the settings of the images name the file's hash.
            if (file.EndsWith(".safetensors", StringComparison.Ordinal))
            {
                CollectionAssert.AreEqual(TensorBytes(one), TensorBytes(other), file);
            }
            else if (file != "synthesis.json")
            {
                CollectionAssert.AreEqual(File.ReadAllBytes(one), File.ReadAllBytes(other), file);
            }
        }
    }

    [TestMethod]
    public void AClassWithoutAnImageIsGeneratedFromItsPromptAlone_AndSaysSo()
    {
        var f = new SynthesisFixture(_root);
        var only = f.Labelled(["red", "blue"]);
        List<string> log = [];
        f.Context.Log += (_, e) => log.Add(e.Message);
        var fitted = f.Context.Transforms.DiffusionSynthesis(f.Options("absent")).Fit(only);
        Assert.HasCount(12, fitted.Images);
        Assert.IsTrue(
            log.Any(m =>
                m.Contains(
                    "no pseudo-labelled or labelled image of green: their images are generated from the prompt alone",
                    StringComparison.Ordinal
                )
            ),
            string.Join('\n', log)
        );
    }

    [TestMethod]
    public void LabelledImagesAreLearnedFromToo()
    {
        var f = new SynthesisFixture(_root);
        var data = f.Labelled();
        var names = f.Context.Data.LoadFromEnumerable(SynthesisFixture.Names.Select(n => new NameRow { Label = n }).ToArray());
        var rows = f
            .Rows.Select((r, i) => new LabelledRow { ImagePath = r.ImagePath, Label = i == 5 ? SynthesisFixture.Names[r.Number] : "" })
            .ToArray();
        var labelled = f
            .Context.Transforms.Conversion.MapValueToKey("Label", "Label", keyData: names)
            .Fit(f.Context.Data.LoadFromEnumerable(rows))
            .Transform(f.Context.Data.LoadFromEnumerable(rows));
        var options = f.Options("labelled") with { PseudoLabelColumn = null, ConfidenceColumn = null };
        List<string> log = [];
        f.Context.Log += (_, e) => log.Add(e.Message);
        var view = f.Context.Transforms.DiffusionSynthesis(options).Fit(labelled).Transform(labelled);
        Assert.IsTrue(log.Any(m => m.Contains("fine-tuning on 1 images", StringComparison.Ordinal)), string.Join('\n', log));
        var labels = StageFixture.Column<uint>(view, "Label");
        Assert.AreEqual((uint)f.Rows[5].Number + 1, labels[5]);
        Assert.AreEqual(1, labels[..12].Count(l => l > 0));
        Assert.AreEqual(0f, StageFixture.Vectors(view, "Features")[0].Sum(Math.Abs)); // added: rows of the input have none
    }

    [TestMethod]
    public void CaptionsTakeThePlaceOfClassPrompts()
    {
        var f = new SynthesisFixture(_root);
        CaptionRow[] rows =
        [
            new() { Caption = "a red thing and a blue one", Label = [1, 0, 1] },
            new() { Caption = " ", Label = [0, 0, 0] },
            new()
            {
                Caption = "something green",
                Label = [0, 1, 0],
                ImagePath = f.Rows[1].ImagePath,
            },
        ];
        var data = f.Context.Data.LoadFromEnumerable(rows);
        var options = f.Options("captions") with { CaptionColumn = "Caption", ImagesPerCaption = 2 };
        List<string> log = [];
        f.Context.Log += (_, e) => log.Add(e.Message);
        var view = f.Context.Transforms.DiffusionSynthesis(options).Fit(data).Transform(data);
        Assert.IsTrue(log.Any(m => m.Contains("fine-tuning on 1 images", StringComparison.Ordinal)), string.Join('\n', log));
        Assert.AreEqual(7, view.GetRowCount());
        float[][] expected = [rows[0].Label, rows[1].Label, rows[2].Label, rows[0].Label, rows[0].Label, rows[2].Label, rows[2].Label];
        CollectionAssert.AreEqual(expected.SelectMany(l => l).ToArray(), StageFixture.Vectors(view, "Label").SelectMany(l => l).ToArray());
        CollectionAssert.AreEqual(
            new[] { "real", "real", "real", "synthetic", "synthetic", "synthetic", "synthetic" },
            Texts(view, "Origin")
        );
        Assert.AreEqual(1f, Math.Sqrt(StageFixture.Vectors(view, "Features")[6].Sum(v => v * v)), 1e-4);

        var blank = f.Context.Data.LoadFromEnumerable([rows[1]]);
        Assert.Contains(
            "no row has a caption",
            Assert.ThrowsExactly<InvalidDataException>(() => f.Context.Transforms.DiffusionSynthesis(options).Fit(blank)).Message
        );
    }

    [TestMethod]
    public void ImagesInMemoryAreReadAndGiven()
    {
        var f = new SynthesisFixture(_root);
        var labelled = f.Labelled();
        var data = f.Context.Transforms.LoadImages("Image", "", "ImagePath").Fit(labelled).Transform(labelled);
        var view = f.Context.Transforms.DiffusionSynthesis(f.Options("memory") with { ImageColumn = "Image" }).Fit(data).Transform(data);
        var images = StageFixture.Column<MLImage>(view, "Image");
        Assert.HasCount(24, images);
        var file = ImageFile.Load(Path.Combine(_root, "memory", "images", "red", "0000.png"));
        CollectionAssert.AreEqual(file.Pixels, MLImages.ToRgb(images[12]).Pixels);
        foreach (var image in images)
        {
            image.Dispose();
        }
    }

    [TestMethod]
    public void AGeneratorOfOnesOwnTakesTheModelsPlace()
    {
        var f = new SynthesisFixture(_root);
        var data = f.Labelled();
        var options = f.Options("own") with { DiffusionFolder = "none", Generator = new Painter() };
        Assert.Contains(
            "FineTune",
            Assert.ThrowsExactly<ArgumentException>(() => f.Context.Transforms.DiffusionSynthesis(options)).Message
        );
        var fitted = new MLContext(5).Transforms.DiffusionSynthesis(options with { FineTune = false }).Fit(data);
        Assert.AreEqual("a photo of a green".Length, ImageFile.Load(fitted.Images[4].Path).Pixels[0]);
        Assert.IsNull(fitted.LoraFile);

        // A service that is asked otherwise makes other images: those of the folder are not taken for its own.
        var other = options with
        {
            FineTune = false,
            GeneratorOptions = new() { ModelId = "bright" },
        };
        Assert.Contains(
            "another model",
            Assert.ThrowsExactly<InvalidDataException>(() => new MLContext(5).Transforms.DiffusionSynthesis(other).Fit(data)).Message
        );
        fitted = f.Context.Transforms.DiffusionSynthesis(other with { WorkFolder = f.Options("bright").WorkFolder }).Fit(data);
        Assert.AreEqual(255, ImageFile.Load(fitted.Images[4].Path).Pixels[0]);
    }

    [TestMethod]
    public void AColumnOrModelThatIsMissingOrWrongIsNamed()
    {
        var f = new SynthesisFixture(_root);
        var estimator = f.Context.Transforms.DiffusionSynthesis(f.Options("bad"));
        var data = f.Labelled();
        foreach (var column in new[] { "ImagePath", "PseudoLabel", "PseudoLabelConfidence" })
        {
            var without = f.Context.Transforms.DropColumns(column).Fit(data).Transform(data);
            Assert.Contains($"'{column}'", Assert.Throws<ArgumentException>(() => estimator.Fit(without)).Message);
        }

        var wrong = f.Context.Transforms.CopyColumns("Label", "Name").Fit(data).Transform(data);
        Assert.Contains("'Label' is", Assert.Throws<ArgumentException>(() => estimator.Fit(wrong)).Message);
        Assert.IsFalse(Directory.Exists(Path.Combine(_root, "bad")));

        // A wrong model is refused when the pipeline is put together, before a stage is fitted.
        Assert.ThrowsExactly<DirectoryNotFoundException>(() =>
            f.Context.Transforms.DiffusionSynthesis(f.Options("bad") with { DiffusionFolder = Path.Combine(_root, "nowhere") })
        );
        Assert.Contains(
            "not a diffusion model",
            Assert
                .ThrowsExactly<FileNotFoundException>(() =>
                    f.Context.Transforms.DiffusionSynthesis(f.Options("bad") with { DiffusionFolder = f.ClipFolder })
                )
                .Message
        );
    }

    [TestMethod]
    public void AFolderOfOtherImagesIsRefused_AndCancellingLeavesIt()
    {
        var f = new SynthesisFixture(_root);
        var data = f.Labelled();
        using var stop = new CancellationTokenSource();
        var cancelled = f.Options("other") with
        {
            CancellationToken = stop.Token,
            Progress = new DirectProgress(p =>
            {
                if (p.Activity == "generating images")
                {
                    stop.Cancel();
                }
            }),
        };
        Assert.Throws<OperationCanceledException>(() => f.Context.Transforms.DiffusionSynthesis(cancelled).Fit(data));
        Assert.IsTrue(File.Exists(Path.Combine(_root, "other", "images", "red", "0000.png")));
        var e = Assert.ThrowsExactly<InvalidDataException>(() =>
            new MLContext(5).Transforms.DiffusionSynthesis(f.Options("other") with { Domain = "Colours:", FineTune = false }).Fit(data)
        );
        Assert.Contains("choose another folder", e.Message);
        Assert.Contains(
            "other images or settings",
            Assert
                .ThrowsExactly<InvalidOperationException>(() =>
                    new MLContext(6).Transforms.DiffusionSynthesis(f.Options("other")).Fit(data)
                )
                .Message
        );
    }

    private static string[] Texts(IDataView view, string column) =>
        [.. StageFixture.Column<ReadOnlyMemory<char>>(view, column).Select(t => t.ToString())];

    private static List<DataViewRowId> Ids(IDataView view)
    {
        List<DataViewRowId> ids = [];
        using var cursor = view.GetRowCursor([]);
        var getter = cursor.GetIdGetter();
        for (var id = default(DataViewRowId); cursor.MoveNext(); ids.Add(id))
        {
            getter(ref id);
        }

        return ids;
    }

    private static byte[] TensorBytes(string path)
    {
        using var file = AirMLNet.Weights.SafetensorsFile.Open(path);
        return [.. file.Entries.Keys.Order(StringComparer.Ordinal).SelectMany(name => file.GetBytes(name).ToArray())];
    }

    private static string[] Bits(IDataView view) =>
        [
            .. StageFixture
                .Vectors(view, "Features")
                .SelectMany(v => v)
                .Concat(StageFixture.Column<float>(view, "PseudoLabelConfidence"))
                .Select(v => $"{BitConverter.SingleToUInt32Bits(v):x8}"),
            .. Texts(view, "ImagePath"),
            .. Texts(view, "Origin"),
            .. StageFixture.Column<uint>(view, "Label").Select(l => $"{l}"),
        ];

    /// <summary>Images as bright as their prompt is long.</summary>
    private sealed class Painter : IImageGenerator
    {
        public Task<ImageGenerationResponse> GenerateAsync(
            ImageGenerationRequest request,
            ImageGenerationOptions? options = null,
            CancellationToken cancellationToken = default
        )
        {
            var value = options?.ModelId == "bright" ? (byte)255 : (byte)request.Prompt!.Length;
            var image = new RgbImage(4, 4, [.. Enumerable.Repeat(value, 48)]);
            return Task.FromResult(new ImageGenerationResponse([new DataContent(ImageCodec.EncodePng(image), "image/png")]));
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }

    private sealed class CaptionRow
    {
        public string Caption { get; set; } = "";
        public string ImagePath { get; set; } = "";

        [VectorType(3)]
        public float[] Label { get; set; } = [];
    }

    private sealed class NameRow
    {
        public string Label { get; set; } = "";
    }

    private sealed class LabelledRow
    {
        public string ImagePath { get; set; } = "";
        public string Label { get; set; } = "";
    }
}
