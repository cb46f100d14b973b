using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Llava;

/// <summary>
/// LLaVA-NeXT (Liu et al. 2024): CLIP's patch features of an image's tiles, a projector, and a language model that reads them among its
/// tokens. Parameters carry the names that transformers published them under.
/// </summary>
internal sealed class LlavaNextModel : nn.Module
{
    /// <summary>The names of the weights files.</summary>
    public static readonly WeightFileNames Files = new("LLaVA-NeXT", "model.safetensors", "weights.safetensors");

    private readonly LlavaVisionTower vision_tower;
    private readonly LlavaProjector multi_modal_projector;
    private readonly MistralModel language_model;

    /// <summary>What ends each row of places, [W].</summary>
    internal readonly Parameter image_newline;

    /// <summary>Builds the modules; the weights are left for a file or an initialiser to fill.</summary>
    public LlavaNextModel(LlavaNextConfig config)
        : base(nameof(LlavaNextModel))
    {
        Config = config;
        vision_tower = new LlavaVisionTower(config.Vision);
        multi_modal_projector = new LlavaProjector(config.PlaceWidth, config.Text.HiddenSize);
        language_model = new MistralModel(config.Text);
        image_newline = LayerParameter.Create(config.Text.HiddenSize);
        RegisterComponents();
    }

    /// <summary>The architecture.</summary>
    public LlavaNextConfig Config { get; }

    /// <summary>The image tower.</summary>
    internal ClipVisionTower Vision => vision_tower.Tower;

    /// <summary>The language model.</summary>
    public MistralModel Language => language_model;

    /// <summary>Loads a model folder as transformers writes it: <c>config.json</c> and safetensors, in one file or in shards.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="device">Where the weights go; CPU when null.</param>
    /// <param name="type">The type of the weights.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">It lacks a file, or a shard.</exception>
    /// <exception cref="InvalidDataException">Configuration and weights do not make such a model; the message names what.</exception>
    /// <exception cref="SafetensorsException">A weights file is corrupt.</exception>
    public static LlavaNextModel Load(string folder, Device? device = null, ScalarType type = ScalarType.Float32)
    {
        using var files = WeightFiles.Find(folder, Files);
        var config = LlavaNextConfig.Load(Path.Combine(folder, "config.json"));
        using var form = LayerParameter.As(type, device ?? CPU);
        var model = ModelWeights.Build(
            new LlavaNextModel(config),
            null,
            m =>
            {
                var names = LlavaWeightNames.Detect(files);
                ModelWeights.Fill(m, files, names.Locate, LlavaWeightNames.IsIgnored, "LLaVA-NeXT");
            }
        );
        foreach (var parameter in model.parameters())
        {
            parameter.requires_grad_(false);
        }

        return model;
    }

    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c> in the published layout.</summary>
    public void Save(string folder, ScalarType type)
    {
        Directory.CreateDirectory(folder);
        ModelWeights.Save(Path.Combine(folder, "model.safetensors"), state_dict(), type);
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), Config.ToJson());
    }

    /// <summary>The tower's states of the places of tiles, the class token left out.</summary>
    /// <param name="pixels">[N, 3, S, S].</param>
    /// <returns>[N, P, W of the tower].</returns>
    public Tensor Places(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        List<Tensor> states = [Vision.PreNorm.Forward(Vision.Embed(pixels.to_type(image_newline.dtype)))]; // [N, 1 + P, W] each
        foreach (var block in Vision.Encoder.Blocks.Take(Config.VisionBlocks.Max()))
        {
            states.Add(block.Forward(states[^1]));
        }

        var used = cat([.. Config.VisionBlocks.Select(b => states[b])], -1);
        return used.narrow(1, 1, used.size(1) - 1).MoveToOuterDisposeScope();
    }

    /// <summary>Places in the space of the language model's tokens.</summary>
    /// <param name="places">[N, P, W of the tower].</param>
    /// <returns>[N, P, W].</returns>
    public Tensor Project(Tensor places) => multi_modal_projector.Forward(places);

    /// <summary>
    /// The features of an image in the order in which the language model reads them: those of the whole image, then the rows of the grid's
    /// map without its padding, each with <see cref="image_newline"/> at its end.
    /// </summary>
    /// <param name="projected">[1 + T, P, W], tiles as <see cref="LlavaImageProcessor"/> makes them; more are ignored.</param>
    /// <param name="height">Height of the image in pixels.</param>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="rounding">Whose rounding.</param>
    /// <returns>[tokens, W].</returns>
    public Tensor Pack(Tensor projected, int height, int width, LlavaRounding rounding = LlavaRounding.Current)
    {
        using var scope = NewDisposeScope();
        var grid = LlavaTiling.Best(height, width, Config.Grids);
        var size = Config.Vision.ImageSize;
        long tall = grid.Height / size,
            wide = grid.Width / size,
            side = size / Config.Vision.PatchSize,
            inner = projected.size(2);
        var map = projected
            .narrow(0, 1, tall * wide)
            .view(tall, wide, side, side, inner)
            .permute(0, 2, 1, 3, 4)
            .reshape(tall * side, wide * side, inner); // [rows, columns, W]
        var (top, rows, left, columns) = LlavaTiling.Unpad(height, width, (int)(tall * side), (int)(wide * side), rounding);
        map = map.narrow(0, top, rows).narrow(1, left, columns);
        map = cat([map, image_newline.view(1, 1, -1).expand(rows, 1, -1)], 1); // [rows, columns + 1, W]
        return cat([projected[0], map.flatten(0, 1)], 0).MoveToOuterDisposeScope();
    }

    /// <summary>The embeddings of a text in which images' features stand in the place of their tokens.</summary>
    /// <param name="ids">[L], int64, the image token once for each feature.</param>
    /// <param name="features">[tokens, W], of all images of the text.</param>
    /// <returns>[1, L, W].</returns>
    /// <exception cref="ArgumentException">There are more or fewer features than image tokens.</exception>
    public Tensor Merge(Tensor ids, Tensor features)
    {
        using var scope = NewDisposeScope();
        var place = ids.eq(Config.ImageTokenIndex ?? throw new InvalidDataException("config.json: image_token_index is missing."));
        var count = place.sum().item<long>();
        if (count != features.size(0))
        {
            throw new ArgumentException($"{count} image tokens and {features.size(0)} features of images.", nameof(features));
        }

        // The image token may lie outside of the embedding table.
        var tokens = language_model.Embed(ids.masked_fill(place, 0).unsqueeze(0)); // [1, L, W]
        var index = place.nonzero().squeeze(1);
        return tokens.index_copy(1, index, features.unsqueeze(0)).MoveToOuterDisposeScope();
    }
}

/// <summary>The image tower under the name it has in the checkpoints.</summary>
internal sealed class LlavaVisionTower : nn.Module
{
    private readonly ClipVisionTower vision_model;

    public LlavaVisionTower(ClipVisionConfig config)
        : base(nameof(LlavaVisionTower))
    {
        vision_model = new ClipVisionTower(config);
        RegisterComponents();
    }

    internal ClipVisionTower Tower => vision_model;
}

/// <summary>Two layers from the tower's width to the language model's.</summary>
internal sealed class LlavaProjector : nn.Module
{
    private readonly LinearLayer linear_1;
    private readonly LinearLayer linear_2;

    public LlavaProjector(long inputs, long outputs)
        : base(nameof(LlavaProjector))
    {
        linear_1 = new LinearLayer(inputs, outputs);
        linear_2 = new LinearLayer(outputs, outputs);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return linear_2.Forward(F.gelu(linear_1.Forward(x))).MoveToOuterDisposeScope();
    }
}
