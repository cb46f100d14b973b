using System.Reflection;
using AirMLNet.Pipeline;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TorchSharp;
using Microsoft.ML.TorchSharp.AutoFormerV2;
using Microsoft.ML.TorchSharp.NasBert;
using TorchSharp;

namespace AirMLNet.Tests.MLNet;

/// <summary>
/// ML.NET's deep stages and ours in one process, one chain and one zip. Microsoft.ML.TorchSharp 0.23.1 was compiled against
/// TorchSharp 0.102.7, and what changed in TorchSharp since then stops each of its stages where it computes: the second and the
/// third test fail as soon as a newer package mends that, and the first can then be a fit like any other. Until then its object
/// detector is built, saved, loaded and disposed of beside our stages, and the layers of it that run give the same bits.
/// </summary>
[TestClass]
[DoNotParallelize] // ML.NET's stages seed LibTorch's global generator
public sealed class MicrosoftTorchSharpTests
{
    [TestMethod]
    public void Their_stage_and_ours_are_saved_in_one_zip_loaded_and_disposed_of_in_one_process()
    {
        using var f = new StageFixture(6);
        var ours = f.Context.Transforms.ZeroShot("ImagePath", f.ClipFolder, StageFixture.Names);
        var alone = Scores(ours, f.Data);
        var path = Path.Combine(f.Root, "both.zip");

        var detector = Detector(f.Context);
        var theirs = Bits(ModuleOf(detector));
        var model = new TransformerChain<ITransformer>(
            f.Context.Transforms.LoadImages("Image", "", "ImagePath").Fit(f.Data),
            detector,
            ours.Fit(f.Data)
        );
        Assert.AreEqual(alone, Bits(model.Transform(f.Data)), "ours behind theirs, and alone");
        Assert.IsNotNull(model.Transform(f.Data).Schema.GetColumnOrNull("FoundBoxes"));
        f.Context.Model.Save(model, f.Data.Schema, path);

        var loaded = (TransformerChain<ITransformer>)new MLContext(99).Model.Load(path, out _);
        var loadedDetector = loaded.Single(stage => stage is ObjectDetectionTransformer);
        Assert.AreEqual(theirs, Bits(ModuleOf(loadedDetector)), "theirs, loaded");
        Assert.AreEqual(alone, Bits(loaded.Transform(f.Data)), "ours, loaded");

        model.Dispose();
        Assert.IsTrue(ModuleOf(detector).parameters().All(p => p.IsInvalid), "theirs is freed");
        Assert.AreEqual(theirs, Bits(ModuleOf(loadedDetector)), "the other one of theirs is not");
        Assert.AreEqual(alone, Bits(loaded.Transform(f.Data)), "and ours is not");
        loaded.Dispose();
        Assert.AreEqual(alone, Scores(ours, f.Data), "ours, when all of theirs are gone");
    }

    [TestMethod]
    public void Their_detector_calls_a_method_that_this_TorchSharp_no_longer_has()
    {
        using var f = new StageFixture(3);
        // The file that the trainer looks for before it downloads one. It need not be complete: this one holds no weights.
        WriteWeights(f.Context, f.Root, "autoformer_11m_torchsharp.bin", file => File.WriteAllBytes(file, [0]));
        var data = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(r => new BoxedRow
            {
                ImagePath = r.ImagePath,
                Kinds = [StageFixture.Names[r.Number]],
                BoundingBoxes = [2, 2, 16, 16],
            })
        );
        var chain = f
            .Context.Transforms.LoadImages("Image", "", "ImagePath")
            .Append(f.Context.Transforms.Conversion.MapValueToKey("Label", "Kinds"))
            .Append(f.Context.MulticlassClassification.Trainers.ObjectDetection(maxEpoch: 1));

        Assert.Contains("functional.interpolate", Assert.ThrowsExactly<MissingMethodException>(() => chain.Fit(data)).Message);
    }

    [TestMethod]
    public void Their_text_classifier_frees_its_own_weights_on_this_TorchSharp()
    {
        using var f = new StageFixture(3);
        WriteWeights(f.Context, f.Root, "NasBert2000000.tsm", WriteEncoder);
        var data = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(r => new CaptionedRow { Caption = "a photo", Kind = StageFixture.Names[r.Number] })
        );
        var chain = f
            .Context.Transforms.Conversion.MapValueToKey("Label", "Kind")
            .Append(f.Context.MulticlassClassification.Trainers.TextClassification(sentence1ColumnName: "Caption", maxEpochs: 1));

        // It disposes of what init.xavier_uniform_ and the like return: once an alias of the weights, now the weights themselves.
        Assert.Contains("empty handle", Assert.ThrowsExactly<InvalidOperationException>(() => chain.Fit(data)).Message);
    }

    /// <summary>A fitted detector with random weights, as its trainer makes one.</summary>
    private static ITransformer Detector(MLContext ml)
    {
        int[] depths = [2, 2, 6, 2],
            heads = [2, 4, 8, 14],
            channels = [64, 128, 256, 448];
        var network = new AutoFormerV2(StageFixture.Names.Length, [.. channels], [.. depths], [.. heads]);
        var options = new ObjectDetectionTrainer.Options
        {
            PredictedLabelColumnName = "Found",
            ScoreColumnName = "FoundScore",
            PredictedBoundingBoxColumnName = "FoundBoxes",
        };
        typeof(ObjectDetectionTrainer.Options).GetField("NumberOfClasses", Hidden)!.SetValue(options, StageFixture.Names.Length);
        var label = StageAnnotations.ClassKey("Label", StageFixture.Names);
        return (ITransformer)
            typeof(ObjectDetectionTransformer).GetConstructors(Hidden).Single().Invoke([(IHostEnvironment)ml, options, network, label]);
    }

    private static AutoFormerV2 ModuleOf(ITransformer detector) =>
        (AutoFormerV2)typeof(ObjectDetectionTransformer).GetField("Model", Hidden)!.GetValue(detector)!;

    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;

    /// <summary>
    /// What the network's first and last layers give for fixed inputs: convolutions and normalisations over loaded weights.
    /// </summary>
    private static string Bits(AutoFormerV2 network)
    {
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        using var generator = new torch.Generator(3);
        var layers = network.named_modules().ToDictionary(m => m.name, m => m.module);
        var first = ((PatchEmbed)layers["backbone.patch_embed"]).forward(torch.rand([1, 3, 32, 32], generator: generator));
        (var classes, var boxes) = ((RetinaHead)layers["bbox_head"]).forward([torch.rand([1, 256, 4, 4], generator: generator)]);
        return string.Join(' ', new[] { first, classes[0], boxes[0] }.SelectMany(t => t.data<float>()).Select(Bits));
    }

    private static string Scores(IEstimator<ITransformer> stage, IDataView data)
    {
        var fitted = stage.Fit(data);
        using var _ = fitted as IDisposable;
        return Bits(fitted.Transform(data));
    }

    private static string Bits(IDataView scored) => string.Join(' ', StageFixture.Vectors(scored, "Score").SelectMany(v => v).Select(Bits));

    private static string Bits(float value) => $"{BitConverter.SingleToUInt32Bits(value):x8}";

    private static void WriteWeights(MLContext ml, string root, string name, Action<string> write)
    {
        ml.TempFilePath = root;
        write(Path.Combine(Directory.CreateDirectory(Path.Combine(root, "mlnet")).FullName, name));
    }

    /// <summary>Random weights of the encoder that the text classifier fine-tunes, for the vocabulary in its assembly.</summary>
    private static void WriteEncoder(string file)
    {
        const int padding = 1,
            symbols = 50265;
        var type = typeof(TextClassificationTrainer).Assembly.GetType(
            "Microsoft.ML.TorchSharp.NasBert.Models.ModelForPrediction",
            throwOnError: true
        )!;
        using var whole = (torch.nn.Module)
            Activator.CreateInstance(
                type,
                [new TextClassificationTrainer.TextClassificationOptions(), padding, symbols, StageFixture.Names.Length]
            )!;
        ((torch.nn.Module)type.GetMethod("GetEncoder")!.Invoke(whole, null)!).save(file);
    }

    private sealed class BoxedRow
    {
        public string ImagePath { get; set; } = "";
        public string[] Kinds { get; set; } = [];
        public float[] BoundingBoxes { get; set; } = [];
    }

    private sealed class CaptionedRow
    {
        public string Caption { get; set; } = "";
        public string Kind { get; set; } = "";
    }
}
