using System.Diagnostics;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Benchmarks;

/// <summary>
/// What a device computes a second, as rows of a Markdown table: ViT-B/32 features, the UNet of Stable Diffusion v1 and a LoRA step
/// on it, with random weights, in float32, bfloat16 and (on a GPU) float16.
/// </summary>
internal static class GpuBenchmark
{
    private const int Turns = 5;

    /// <param name="where">The device, such as cuda:0 or cpu.</param>
    /// <param name="small">Narrow models and small batches, to try the command on a processor.</param>
    public static void Run(string where, bool small)
    {
        var on = device(where);
        using var generator = new Generator(1);
        using var clip = new ClipModel(
            new ClipConfig
            {
                Vision = small ? new() { Layers = 2 } : new(),
                Text = new()
                {
                    Layers = 1,
                    VocabularySize = 300,
                    ContextLength = 32,
                },
            },
            generator
        );
        using var unet = new UNet2DConditionModel(
            small
                ? new()
                {
                    SampleSize = 16,
                    BlockOutChannels = [32, 64, 64, 64],
                    CrossAttentionDim = 64,
                    NormNumGroups = 8,
                }
                : new() { SampleSize = 64 },
            generator
        );
        clip.to(on);
        unet.to(on);
        Console.WriteLine("| work | type | batch | a second |");
        Console.WriteLine("|---|---|---|---|");
        ScalarType[] types =
            on.type == DeviceType.CUDA
                ? [ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16]
                : [ScalarType.Float32, ScalarType.BFloat16];
        foreach (var type in types)
        {
            clip.to(type);
            unet.to(type);
            Features(clip, on, type, small ? 4 : 256);
            Steps(unet, on, type, small ? 2 : 8);
            if (type != ScalarType.Float16)
            {
                Lora(unet, on, type, small ? 1 : 4); // its range is too small for gradients without scaling
            }
        }
    }

    private static void Features(ClipModel model, Device on, ScalarType type, int batch)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var pixels = randn([batch, 3, 224, 224], device: on).to_type(type);
        Row("ViT-B/32, images", type, batch, batch, on, () => model.EncodeImage(pixels));
    }

    private static void Steps(UNet2DConditionModel model, Device on, ScalarType type, int batch)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (sample, times, text) = Inputs(model, on, type, batch);
        Row("Stable Diffusion UNet, latents", type, batch, batch, on, () => model.Forward(sample, times, text));
    }

    private static void Lora(UNet2DConditionModel model, Device on, ScalarType type, int batch)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var adapters = LoraAdapters.Create(model, null, new LoraOptions { Rank = 16 }, generator);
        adapters.Attach(model);
        foreach (var weight in model.parameters())
        {
            weight.requires_grad = false;
        }

        using var optimizer = optim.AdamW(adapters.Parameters.Select(p => p.Value), lr: 1e-4);
        var (sample, times, text) = Inputs(model, on, type, batch);
        Row(
            "LoRA step of rank 16, latents",
            type,
            batch,
            batch,
            on,
            () =>
            {
                optimizer.zero_grad();
                var loss = F.mse_loss(model.Forward(sample, times, text).to_type(ScalarType.Float32), sample.to_type(ScalarType.Float32));
                loss.backward();
                optimizer.step();
                return loss;
            }
        );
        adapters.Detach(model);
    }

    private static (Tensor Sample, Tensor Times, Tensor Text) Inputs(UNet2DConditionModel model, Device on, ScalarType type, int batch) =>
        (
            randn([batch, 4, model.Config.SampleSize.Height, model.Config.SampleSize.Width], device: on).to_type(type),
            full([batch], 500L, ScalarType.Int64, on),
            randn([batch, 77, model.Config.CrossAttentionDim], device: on).to_type(type)
        );

    private static void Row(string work, ScalarType type, int batch, int items, Device on, Func<Tensor> run)
    {
        double Once()
        {
            using var scope = NewDisposeScope();
            var clock = Stopwatch.StartNew();
            run();
            if (on.type == DeviceType.CUDA)
            {
                cuda.synchronize();
            }

            return clock.Elapsed.TotalSeconds;
        }

        Once(); // the first call chooses algorithms
        var seconds = Enumerable.Range(0, Turns).Select(_ => Once()).Order().ElementAt(Turns / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {work} | {type} | {batch} | {items / seconds:0.0} |"));
    }
}
