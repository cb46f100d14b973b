using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// The noise predictor of Stable Diffusion v1 and 2 (Rombach et al. 2022) and XL (Podell et al. 2023), under the parameter names of
/// diffusers' class of the same name: a UNet of resnets and transformers, conditioned on a time, a text and, in XL, sizes.
/// </summary>
/// <remarks>Forward is safe to call from several threads while no weight or adapter changes.</remarks>
internal sealed class UNet2DConditionModel : nn.Module
{
    private const double MaxPeriod = 10000;

    internal static readonly WeightFileNames Files = new(
        "UNet",
        "diffusion_pytorch_model.safetensors",
        "diffusion_pytorch_model.fp16.safetensors"
    );

    private readonly ConvLayer conv_in;
    private readonly TimestepEmbedding time_embedding;
    private readonly TimestepEmbedding? add_embedding;
    private readonly ModuleList<UNetDownBlock> down_blocks;
    private readonly UNetMidBlock? mid_block;
    private readonly ModuleList<UNetUpBlock> up_blocks;
    private readonly GroupNormLayer conv_norm_out;
    private readonly ConvLayer conv_out;

    /// <summary>Builds the architecture with weights drawn from a generator.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="generator">The source of randomness.</param>
    /// <exception cref="InvalidDataException">The configuration's values do not fit each other.</exception>
    public UNet2DConditionModel(UNet2DConditionConfig config, Generator generator)
        : this(config) => DiffusionInitializer.Initialise(this, generator);

    private UNet2DConditionModel(UNet2DConditionConfig config)
        : base(nameof(UNet2DConditionModel))
    {
        Config = config.Check();
        var first = config.BlockOutChannels[0];
        var timeWidth = 4 * first;
        var count = config.BlockOutChannels.Count;
        conv_in = new ConvLayer(config.InChannels, first, config.ConvInKernel);
        time_embedding = new TimestepEmbedding(first, timeWidth);
        add_embedding = config.AdditionEmbedType is null
            ? null
            : new TimestepEmbedding(config.ProjectionClassEmbeddingsInputDim!.Value, timeWidth);
        down_blocks = new ModuleList<UNetDownBlock>([.. Enumerable.Range(0, count).Select(i => new UNetDownBlock(config, i, timeWidth))]);
        mid_block = config.HasMidBlock ? new UNetMidBlock(config, timeWidth) : null;
        up_blocks = new ModuleList<UNetUpBlock>([.. Enumerable.Range(0, count).Select(i => new UNetUpBlock(config, i, timeWidth))]);
        conv_norm_out = new GroupNormLayer(config.NormNumGroups, first, config.NormEps);
        conv_out = new ConvLayer(first, config.OutChannels, config.ConvOutKernel);
        RegisterComponents();
    }

    /// <summary>The architecture with weights that have no values yet.</summary>
    internal static UNet2DConditionModel Empty(UNet2DConditionConfig config) => new(config);

    /// <summary>The architecture.</summary>
    public UNet2DConditionConfig Config { get; }

    /// <summary>The linear layers by their diffusers names: those that LoRA is trained for.</summary>
    internal IReadOnlyDictionary<string, LinearLayer> LinearLayers => ModelWeights.LinearLayers(this);

    private IEnumerable<ResnetBlock2D> Resnets =>
        [.. down_blocks.SelectMany(b => b.Resnets), .. mid_block?.Resnets ?? [], .. up_blocks.SelectMany(b => b.Resnets)];

    private IEnumerable<CrossAttention> TextAttentions =>
        (
            (IEnumerable<Transformer2DModel>)
                [.. down_blocks.SelectMany(b => b.Attentions), .. mid_block?.Attentions ?? [], .. up_blocks.SelectMany(b => b.Attentions)]
        ).SelectMany(a => a.TextAttentions);

    /// <summary>Predicts the noise (or the velocity, for a model trained so).</summary>
    /// <param name="sample">[B, in, h, w], noisy latents.</param>
    /// <param name="timesteps">[B] or [1], any number type, 0 to 999.</param>
    /// <param name="encoderHiddenStates">[B, L, D], the text's states.</param>
    /// <param name="added">The added condition of XL; null for a model without.</param>
    /// <param name="observe">Sees the state after each stage.</param>
    /// <returns>[B, out, h, w].</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public Tensor Forward(
        Tensor sample,
        Tensor timesteps,
        Tensor encoderHiddenStates,
        AddedCondition? added = null,
        Action<string, Tensor>? observe = null
    )
    {
        Check(sample, encoderHiddenStates, sample.size(0));
        CheckAdded(added, sample.size(0));
        if (timesteps.dim() != 1 || (timesteps.size(0) != sample.size(0) && timesteps.size(0) != 1))
        {
            throw new ArgumentException(
                $"{sample.size(0)} timesteps or one were expected, not [{string.Join(", ", timesteps.shape)}].",
                nameof(timesteps)
            );
        }
        using var scope = NewDisposeScope();
        var time = EmbedTime(timesteps, sample.dtype); // [B, T]
        if (added is not null)
        {
            time = time.add(EmbedAdded(added, sample.dtype));
        }
        return Run(sample, new UNetContext(time.silu(), encoderHiddenStates), observe).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes once what many calls with the same texts and times have in common: keys and values of the texts for every
    /// attention, and the times' share in every resnet.
    /// </summary>
    /// <param name="encoderHiddenStates">[T, L, D], different texts.</param>
    /// <param name="rows">Which text each row of the batch has.</param>
    /// <param name="timesteps">The times of all steps.</param>
    /// <param name="added">The added condition of each different text, for XL; null for a model without.</param>
    /// <returns>The prepared conditions, to be disposed; weights and adapters must not change while they are used.</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public UNetConditions Prepare(
        Tensor encoderHiddenStates,
        IReadOnlyList<int> rows,
        IReadOnlyList<double> timesteps,
        AddedCondition? added = null
    )
    {
        CheckText(encoderHiddenStates);
        CheckAdded(added, encoderHiddenStates.size(0));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var device = encoderHiddenStates.device;
        var index = tensor(rows.Select(r => (long)r).ToArray(), ScalarType.Int64, device: device);
        Dictionary<CrossAttention, (Tensor, Tensor)> keysValues = new(ReferenceEqualityComparer.Instance);
        foreach (var attention in TextAttentions)
        {
            var (keys, values) = attention.KeysValues(encoderHiddenStates); // [T, heads, L, D]
            keysValues[attention] = (keys.index_select(0, index), values.index_select(0, index)); // [B, heads, L, D]
        }
        var times = tensor(timesteps.ToArray(), ScalarType.Float64, device: device);
        var time = EmbedTime(times, encoderHiddenStates.dtype).unsqueeze(1); // [S, 1, T]
        if (added is not null)
        {
            time = time.add(EmbedAdded(added, encoderHiddenStates.dtype).index_select(0, index)); // [S, B, T]
        }
        time = time.silu();
        Dictionary<ResnetBlock2D, Tensor> timeShifts = new(ReferenceEqualityComparer.Instance);
        foreach (var resnet in Resnets)
        {
            timeShifts[resnet] = resnet.TimeShift(time); // [S, 1 or B, C]
        }
        return new UNetConditions(this, keysValues, timeShifts, rows.Count);
    }

    /// <summary>Predicts the noise under prepared conditions. No gradient is computed.</summary>
    /// <param name="sample">[B, in, h, w]; or [B/n, …], when n texts see the same images: row i then goes with texts i, i + B/n and so
    /// on.</param>
    /// <param name="step">The place of the time in the list that was prepared; the same for the whole batch.</param>
    /// <param name="conditions">What <see cref="Prepare"/> gave.</param>
    /// <returns>[B, out, h, w].</returns>
    /// <exception cref="ArgumentException">The batch does not fit the conditions, or they belong to another model.</exception>
    public Tensor Forward(Tensor sample, int step, UNetConditions conditions)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        if (conditions.Model != this || sample.dim() != 4 || sample.size(0) == 0 || conditions.Batch % sample.size(0) != 0)
        {
            throw new ArgumentException(
                $"The conditions were prepared for {(conditions.Model == this ? $"a batch of {conditions.Batch}" : "another model")}.",
                nameof(conditions)
            );
        }
        CheckSample(sample);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return Run(sample, new UNetContext(conditions, step), null).MoveToOuterDisposeScope();
    }

    /// <summary>The sinusoids of times (Vaswani et al. 2017), in float32.</summary>
    /// <param name="timesteps">[B].</param>
    /// <returns>[B, channels of the first block].</returns>
    internal Tensor ProjectTime(Tensor timesteps) => Sinusoids(timesteps, Config.BlockOutChannels[0]);

    /// <summary>The sinusoids of the added numbers, one row each.</summary>
    /// <param name="timeIds">[B, 6].</param>
    /// <returns>[6B, W] with W of <see cref="UNet2DConditionConfig.AdditionTimeEmbedDim"/>, in float32.</returns>
    internal Tensor ProjectAdded(Tensor timeIds) => Sinusoids(timeIds.flatten(), Config.AdditionTimeEmbedDim!.Value);

    /// <summary>Pooled text and sinusoids beside each other, [B, P + 6W].</summary>
    internal Tensor AddedInput(AddedCondition added, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var sizes = ProjectAdded(added.TimeIds).view(added.TimeIds.size(0), -1).to_type(dtype); // [B, 6W]
        return cat([added.Pooled.to_type(dtype), sizes], 1).MoveToOuterDisposeScope();
    }

    /// <summary>What is added to the time embedding, [B, T].</summary>
    internal Tensor EmbedAdded(AddedCondition added, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        return add_embedding!.Forward(AddedInput(added, dtype)).MoveToOuterDisposeScope();
    }

    private Tensor Sinusoids(Tensor timesteps, int width)
    {
        using var scope = NewDisposeScope();
        long half = width / 2;
        var exponent = arange(half, ScalarType.Float32, timesteps.device).mul(-Math.Log(MaxPeriod) / (half - Config.FreqShift));
        var angles = timesteps.to_type(ScalarType.Float32).unsqueeze(1).mul(exponent.exp().unsqueeze(0)); // [B, half]
        return cat(Config.FlipSinToCos ? [angles.cos(), angles.sin()] : [angles.sin(), angles.cos()], 1).MoveToOuterDisposeScope();
    }

    /// <summary>The time embedding.</summary>
    /// <param name="timesteps">[B].</param>
    /// <param name="dtype">The model's type.</param>
    /// <returns>[B, T].</returns>
    internal Tensor EmbedTime(Tensor timesteps, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        return time_embedding.Forward(ProjectTime(timesteps).to_type(dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>Loads a folder with <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>.</summary>
    /// <param name="folder">The folder, <c>unet</c> of a diffusion model.</param>
    /// <param name="device">Where the weights go; CPU when null.</param>
    /// <returns>The model in float32, in evaluation mode.</returns>
    /// <exception cref="FileNotFoundException">The folder lacks a file.</exception>
    /// <exception cref="InvalidDataException">Configuration and weights do not fit each other; the message names keys or
    /// tensors.</exception>
    public static UNet2DConditionModel Load(string folder, Device? device = null)
    {
        using var files = WeightFiles.Find(folder, Files);
        files.TakeOffWrapper("conv_in", "down_blocks");
        return Load(UNet2DConditionConfig.Load(Path.Combine(folder, "config.json")), files, device);
    }

    internal static UNet2DConditionModel Load(UNet2DConditionConfig config, WeightFiles files, Device? device) =>
        ModelWeights.Build(
            new UNet2DConditionModel(config),
            device,
            model => ModelWeights.Fill(model, files, name => new(name), _ => false, "diffusers")
        );

    /// <summary>Writes <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>.</summary>
    /// <param name="folder">Created if missing; the two files are replaced when whole.</param>
    /// <param name="dtype">float32, or float16 or bfloat16 for half the size.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    public void Save(string folder, ScalarType dtype)
    {
        ModelWeights.Save(Path.Combine(folder, Files.Names[0]), state_dict(), dtype);
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), Config.ToJson());
    }

    private Tensor Run(Tensor sample, UNetContext context, Action<string, Tensor>? observe)
    {
        var x = conv_in.Forward(sample); // [B, C₀, h, w]
        if (add_embedding is not null)
        {
            x = context.Expand(x); // texts differ from the first resnet on
        }
        observe?.Invoke("conv_in", x);
        List<Tensor> skips = [x];
        for (var i = 0; i < down_blocks.Count; i++)
        {
            x = down_blocks[i].Forward(x, context, skips);
            observe?.Invoke($"down_blocks.{i}", x);
        }
        if (mid_block is not null)
        {
            x = mid_block.Forward(x, context, observe is null ? null : (part, state) => observe($"mid_block.{part}", state));
            observe?.Invoke("mid_block", x);
        }
        for (var i = 0; i < up_blocks.Count; i++)
        {
            x = up_blocks[i].Forward(x, context, skips);
            observe?.Invoke($"up_blocks.{i}", x);
        }
        return conv_out.Forward(conv_norm_out.Forward(x).silu());
    }

    private void Check(Tensor sample, Tensor text, long batch)
    {
        CheckText(text);
        CheckSample(sample);
        if (text.size(0) != batch)
        {
            throw new ArgumentException($"{batch} texts were expected, not {text.size(0)}.", nameof(text));
        }
    }

    private void CheckAdded(AddedCondition? added, long batch)
    {
        if (added is null != add_embedding is null)
        {
            throw new ArgumentException(
                added is null
                    ? "The model takes pooled texts and sizes beside the text, as Stable Diffusion XL does; none were given."
                    : "The model takes no pooled texts and sizes.",
                nameof(added)
            );
        }
        if (
            added is not null
            && (
                !added.Pooled.shape.SequenceEqual([batch, Config.PooledDim!.Value])
                || !added.TimeIds.shape.SequenceEqual([batch, UNet2DConditionConfig.TimeIds])
            )
        )
        {
            throw new ArgumentException(
                $"Pooled texts [{batch}, {Config.PooledDim}] and sizes [{batch}, {UNet2DConditionConfig.TimeIds}] were expected, not "
                    + $"[{string.Join(", ", added.Pooled.shape)}] and [{string.Join(", ", added.TimeIds.shape)}].",
                nameof(added)
            );
        }
    }

    private void CheckSample(Tensor sample)
    {
        if (sample.dim() != 4 || sample.size(1) != Config.InChannels)
        {
            throw new ArgumentException(
                $"Latents of shape [B, {Config.InChannels}, h, w] were expected, not [{string.Join(", ", sample.shape)}].",
                nameof(sample)
            );
        }
    }

    private void CheckText(Tensor text)
    {
        if (text.dim() != 3 || text.size(2) != Config.CrossAttentionDim)
        {
            throw new ArgumentException(
                $"Text states of shape [B, L, {Config.CrossAttentionDim}] were expected, not [{string.Join(", ", text.shape)}].",
                nameof(text)
            );
        }
    }
}

/// <summary>What Stable Diffusion XL adds to the time embedding (Podell et al. 2023, §2.2).</summary>
/// <param name="Pooled">[B, P], one vector of the whole text.</param>
/// <param name="TimeIds">
/// [B, 6]: height and width of the original image, top and left of the cut, height and width wanted, in pixels.
/// </param>
internal sealed record AddedCondition(Tensor Pooled, Tensor TimeIds);

/// <summary>Two linear layers with SiLU between them.</summary>
internal sealed class TimestepEmbedding : nn.Module
{
    private readonly LinearLayer linear_1;
    private readonly LinearLayer linear_2;

    public TimestepEmbedding(int inputs, int width)
        : base(nameof(TimestepEmbedding))
    {
        linear_1 = new LinearLayer(inputs, width);
        linear_2 = new LinearLayer(width, width);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => linear_2.Forward(linear_1.Forward(x).silu());
}
