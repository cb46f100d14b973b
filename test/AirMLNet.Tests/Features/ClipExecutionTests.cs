using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Features;

[TestClass]
public sealed class ClipExecutionTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("some-model", null, "QuickGelu", "OpenAI's models")]
    [DataRow("CLIP-ViT-B-32-laion2B-s34B-b79K", null, "Gelu", "laion2b")]
    [DataRow("ViT-B-32-laion400m_e32", null, "QuickGelu", "laion400m")]
    [DataRow("CLIP-ViT-B-32-laion2B-s34B-b79K", ClipActivation.QuickGelu, "QuickGelu", "asked for")]
    public void Without_a_configuration_the_name_of_the_folder_tells(string name, ClipActivation? wanted, string expected, string reason)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        File.Copy(TestData.Path("golden/clip-vit-tiny/weights_openai.safetensors"), Path.Combine(folder, "model.safetensors"));

        using var model = ClipModel.Load(folder, null, wanted);

        Assert.AreEqual(expected, model.Config.Vision.Activation.ToString());
        Assert.AreEqual(expected, model.Config.Text.Activation.ToString());
        StringAssert.Contains(model.ActivationReason, reason);
    }

    [TestMethod]
    public void The_configuration_comes_before_the_name()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "laion2b")).FullName;
        File.Copy(TestData.Path("golden/clip-vit-tiny/weights.safetensors"), Path.Combine(folder, "model.safetensors"));
        File.Copy(TestData.Path("golden/clip-vit-tiny/config.json"), Path.Combine(folder, "config.json"));

        using var model = ClipModel.Load(folder);

        Assert.AreEqual(ClipActivation.QuickGelu, model.Config.Vision.Activation);
        StringAssert.Contains(model.ActivationReason, "configuration says");
    }

    [TestMethod]
    public void Bfloat16_is_close_to_float32_for_images_and_texts()
    {
        var pixels = Enumerable.Range(0, 2 * 3 * TinyClip.ImageSize * TinyClip.ImageSize).Select(i => MathF.Sin(i)).ToArray();
        var (exact, exactText) = Encode(new());
        var (half, halfText) = Encode(new() { Precision = ClipPrecision.BFloat16 });

        var error = exact.Zip(half).Max(p => Math.Abs(p.First - p.Second));
        Assert.IsLessThanOrEqualTo(0.03f, error);
        Assert.IsGreaterThan(0f, error);
        Assert.IsLessThanOrEqualTo(0.03f, exactText.Zip(halfText).Max(p => Math.Abs(p.First - p.Second)));

        (float[] Images, float[] Texts) Encode(ClipExecution execution)
        {
            using var scope = NewDisposeScope();
            var backbone = ClipBackbone.Acquire(TinyModels.Clip, null, execution);
            var features = new float[2 * backbone.FeatureDimension];
            backbone.EncodeImages(pixels, 2, features);
            var texts = backbone.EncodeTexts(["a red photo", "the"]).data<float>().ToArray();
            backbone.Release();
            return (features, texts);
        }
    }

    [TestMethod]
    public void Float16_is_refused_on_a_CPU_by_name()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() =>
            ClipBackbone.Acquire(TinyModels.Clip, null, new() { Precision = ClipPrecision.Float16 })
        );
        Assert.Contains("Float16", error.Message);
        Assert.Contains("BFloat16", error.Message);
    }

    [TestMethod]
    public void Every_stage_that_reads_texts_takes_the_activation_that_the_features_had()
    {
        using var stages = new StageFixture();
        var quick = stages.Features().Fit(stages.Data).Transform(stages.Data);
        VBuffer<float>[] Scores(IEstimator<ITransformer> stage, string column) =>
            StageFixture.Column<VBuffer<float>>(stage.Fit(quick).Transform(quick), column);
        float Difference(Func<ClipActivation?, VBuffer<float>[]> scores) =>
            scores(null)
                .Zip(scores(ClipActivation.Gelu))
                .Max(pair => pair.First.DenseValues().Zip(pair.Second.DenseValues(), (a, b) => Math.Abs(a - b)).Max());
        var ml = stages.Context;

        Assert.IsGreaterThan(
            0f,
            Difference(a =>
                Scores(
                    ml.Transforms.PseudoLabel("PseudoLabel", "Features", stages.PseudoLabels() with { Activation = a }),
                    "PseudoLabelScore"
                )
            )
        );
        var labelled = ml.Transforms.PseudoLabel("PseudoLabel", "Features", stages.PseudoLabels()).Fit(quick).Transform(quick);
        float[] Adapted(ClipActivation? a) =>
            [
                .. StageFixture
                    .Column<VBuffer<float>>(
                        ml.MulticlassClassification.Trainers.PromptAdapter(stages.Prompts(0) with { Activation = a })
                            .Fit(labelled)
                            .Transform(labelled),
                        "Score"
                    )
                    .SelectMany(s => s.DenseValues()),
            ];
        Assert.IsGreaterThan(0f, Adapted(null).Zip(Adapted(ClipActivation.Gelu), (x, y) => Math.Abs(x - y)).Max());
    }

    [TestMethod]
    public void The_stage_says_which_activation_it_took()
    {
        var ml = new MLContext(1);
        List<string> lines = [];
        ml.Log += (_, e) => lines.Add(e.Message);
        var data = ml.Data.LoadFromEnumerable(new[] { new { ImagePath = "none.png" } });

        using var stage = ml
            .Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = TinyModels.Clip,
                    Precision = ClipPrecision.BFloat16,
                    Activation = ClipActivation.Gelu,
                }
            )
            .Fit(data);

        Assert.IsTrue(
            lines.Exists(l => l.Contains("BFloat16; activation: GELU, as asked for", StringComparison.Ordinal)),
            string.Join('\n', lines)
        );
    }
}
