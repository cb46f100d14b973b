using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;
using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>How an image is brought to the crop's size.</summary>
internal enum ClipResize
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>The shorter side becomes the edge, the longer one keeps the proportion, rounded down.</summary>
    Shortest,

    /// <summary>The longer side becomes the edge; the rest is padded.</summary>
    Longest,

    /// <summary>Both sides become the edge, whatever the proportion.</summary>
    Squash,
}

/// <summary>
/// Everything a model folder says of preprocessing: in the terms of Hugging Face's image processors, of OpenCLIP or of timm.
/// </summary>
/// <param name="Size">Height and width of the result in pixels.</param>
internal sealed record ClipPreprocessing(int Size)
{
    private const string Own = "preprocessor_config.json",
        Processor = "processor_config.json",
        OpenClip = "open_clip_config.json",
        Model = "config.json";
    private const double TimmCrop = 0.875;
    private const int DefaultSize = 224;

    // All of these resize and crop alike; they differ in what a missing key and a size of one number mean.
    private static readonly string[] HalvingProcessors = ["ViT", "Deit", "DeiT", "Siglip"];
    private static readonly string[] UncroppedProcessors = ["ViT", "Siglip"];
    private static readonly string[] SquashingProcessors = [.. HalvingProcessors, "ChineseCLIP"];
    private static readonly string[] Processors = ["CLIP", "Bit", .. SquashingProcessors];

    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("do_pad", "Images are padded by the crop alone.", false),
        new("do_flip_channel_order", "Channels are red, green, blue.", false),
        new("do_align_long_axis", "Images are not turned.", false),
        new("do_thumbnail", "Images are resized once.", false),
        new("do_split_image", "An image is one input.", false),
        new("do_image_splitting", "An image is one input.", false),
        new("use_square_size", "The size says itself whether it is a square.", false),
        new("crop_pct", "The size says itself what is resized to."),
        new("size_divisor", "The size says itself what is resized to."),
        new("pad_size", "Images are padded by the crop alone."),
    ];

    internal static readonly RefusedKey[] RefusedOpenClipKeys =
    [
        new("mode", "Images have three channels.", "RGB"),
        new("resize_mode", "Others are not built.", "shortest", "longest", "squash"),
    ];

    internal static readonly RefusedKey[] RefusedTimmKeys = [new("crop_mode", "Others are not built.", "center", "squash")];

    /// <summary>The file and the key that say <see cref="Size"/>; null where none does, and the size is a default.</summary>
    public string? SizeKey { get; init; }

    /// <summary>How images are resized.</summary>
    public ClipResize Mode { get; init; } = ClipResize.Shortest;

    /// <summary>Pixels that images are resized to before the crop.</summary>
    public int Edge { get; init; } = Size;

    /// <summary>By what filter.</summary>
    public PilFilter Filter { get; init; } = PilFilter.Bicubic;

    /// <summary>Grey of what is padded.</summary>
    public byte Fill { get; init; }

    /// <summary>By what pixels are multiplied; null for 1/255.</summary>
    public double? Factor { get; init; }

    /// <summary>Mean of each channel.</summary>
    public IReadOnlyList<float> Mean { get; init; } = ClipPreprocessor.DefaultMean;

    /// <summary>Standard deviation of each channel.</summary>
    public IReadOnlyList<float> Std { get; init; } = ClipPreprocessor.DefaultStd;

    /// <summary>The settings with another size; the proportion of resizing to crop stays.</summary>
    /// <param name="size">0 for the same.</param>
    public ClipPreprocessing WithSize(int size) =>
        size == 0 || size == Size ? this : this with { Size = size, Edge = (int)Math.Round((double)Edge * size / Size) };

    /// <summary>Width and height of an image after resizing.</summary>
    public (int Width, int Height) ResizedTo(RgbImage image)
    {
        var (width, height) = (image.Width, image.Height);
        var longer = Math.Max(width, height);
        int Whole(int side) => Math.Max(1, (int)Math.Round((double)side * Edge / longer, MidpointRounding.ToEven));
        return Mode switch
        {
            ClipResize.None => (width, height),
            ClipResize.Squash => (Edge, Edge),
            ClipResize.Longest => (Whole(width), Whole(height)),
            _ => width <= height
                ? (Edge, checked((int)((long)Edge * height / width)))
                : (checked((int)((long)Edge * width / height)), Edge),
        };
    }

    /// <summary>All settings as a text.</summary>
    public string Describe() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Mode} {Edge} {Filter}, crop {Size} on {Fill}, x{Factor ?? 1 / 255.0:R}, mean "
                + $"{string.Join(' ', Mean.Select(Number))}, std {string.Join(' ', Std.Select(Number))}"
        );

    /// <summary>Reads the files of a model folder; what the first that says something leaves open has the format's default.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="ofTiles">Whether a model that cuts images into tiles asks, which has looked at the keys about whole images
    /// itself.</param>
    /// <exception cref="InvalidDataException">A file is damaged, or asks for what is not built.</exception>
    public static ClipPreprocessing Read(string folder, bool ofTiles = false)
    {
        ConfigFile? Open(string name) => OpenIn(folder, name);
        var model = Open(Model);
        // transformers 5 writes the first, and reads the second only where the first says nothing of images.
        if ((!ofTiles || !ConfigFile.IsThere(Path.Combine(folder, Own))) && Open(Processor)?.Root["image_processor"] is JsonObject inner)
        {
            return HuggingFace(new ConfigFile(Path.Combine(folder, Processor), inner), ImageSize(Open(OpenClip), model));
        }
        if (Open(Own) is { } own)
        {
            return HuggingFace(own, ImageSize(Open(OpenClip), model), ofTiles);
        }
        if (Open(OpenClip) is { } openClip)
        {
            // The model's own size has the last word in OpenCLIP, whatever preprocess_cfg says.
            var size = openClip.At("model_cfg.vision_cfg") is null ? null : ImageSize(openClip, null);
            return openClip.Root["preprocess_cfg"] is JsonObject cfg
                ? FromOpenClip(new ConfigFile(openClip.Path, cfg), size)
                : Of(size ?? ImageSize(openClip, model));
        }
        if (model?.Root["pretrained_cfg"] is JsonObject timm)
        {
            return Timm(new ConfigFile(model.Path, timm));
        }
        // A preprocessor's configuration may go under this name.
        return model is not null && (model.Root.ContainsKey("crop_size") || model.Root.ContainsKey("image_mean"))
            ? HuggingFace(model, ImageSize(null, model))
            : Of(ImageSize(null, model));
    }

    /// <summary>The file and the key of a folder that say how large the model's images are; null where its weights alone do.</summary>
    public static string? ModelSizeKey(string folder) =>
        ImageSize(ClipConfigFile.IsOpenClip(folder) ? OpenIn(folder, OpenClip) : null, OpenIn(folder, Model)).Key;

    private static ConfigFile? OpenIn(string folder, string name) =>
        Path.Combine(folder, name) is var path && ConfigFile.IsThere(path) ? ConfigFile.Open(path) : null;

    private static ClipPreprocessing Of(SaidSize size) => new(size.Pixels) { SizeKey = size.Key };

    private static SaidSize ImageSize(ConfigFile? openClip, ConfigFile? model)
    {
        foreach (
            var (file, key) in new[]
            {
                (openClip, "model_cfg.vision_cfg.image_size"),
                // OpenAI's own description of a ResNet.
                (model, "image_resolution"),
                (model, "vision_config.image_size"),
            }
        )
        {
            if (file?.At(key) is not null)
            {
                return SaidSize.Of(file, key);
            }
        }
        return new(DefaultSize, null);
    }

    // CLIPImageProcessor of transformers and its kin.
    internal static ClipPreprocessing HuggingFace(ConfigFile file, SaidSize imageSize, bool ofTiles = false)
    {
        if (!ofTiles)
        {
            file.Refuse(RefusedKeys);
        }

        var type = new[] { "image_processor_type", "feature_extractor_type" }
            .Select(k => file.At(k)?.ToString())
            .FirstOrDefault(t => t is not null);
        if (type is not null && !ofTiles && !Processors.Any(p => type.StartsWith(p, StringComparison.Ordinal)))
        {
            throw new InvalidDataException(
                $"{file.Path}: the images are preprocessed by {type}, which is not supported; "
                    + $"{string.Join(", ", Processors.Select(p => p + "ImageProcessor"))} are."
            );
        }
        // Where a key is missing, each class has defaults of its own.
        bool Is(string[] kinds) => type is not null && kinds.Any(p => type.StartsWith(p, StringComparison.Ordinal));
        var halves = Is(HalvingProcessors);
        bool Does(string key) => file.At(key) is null || file.Get<bool>(key);
        // Some classes do not crop unless they are asked to; what a file then says of the crop is left over from another.
        var crops = file.At("do_center_crop") is null ? !Is(UncroppedProcessors) : file.Get<bool>("do_center_crop");
        var (mode, edge) = Sized(file, Is(SquashingProcessors));
        var crop = crops && file.At("crop_size") is not null ? SaidSize.Of(file, "crop_size") : edge ?? imageSize;
        edge ??= crop;
        var size = crops ? crop : edge;
        if (!Does("do_resize"))
        {
            mode = ClipResize.None;
        }
        if (!crops && mode != ClipResize.Squash)
        {
            throw new InvalidDataException(
                $"{file.Path}: images are not cropped (do_center_crop), and size makes no square of every image; the model takes squares."
            );
        }
        return Of(size) with
        {
            Mode = mode,
            Edge = edge.Pixels,
            Filter =
                file.At("resample") is not null ? Filtered(file, "resample")
                : type?.StartsWith("ViT", StringComparison.Ordinal) == true ? PilFilter.Bilinear
                : PilFilter.Bicubic,
            Factor = !Does("do_rescale") ? 1 : FactorOf(file),
            Mean = !Does("do_normalize")
                ? [0, 0, 0]
                : Channels(file, "image_mean", halves ? [0.5f, 0.5f, 0.5f] : ClipPreprocessor.DefaultMean),
            Std = !Does("do_normalize")
                ? [1, 1, 1]
                : Channels(file, "image_std", halves ? [0.5f, 0.5f, 0.5f] : ClipPreprocessor.DefaultStd),
        };
    }

    private static (ClipResize Mode, SaidSize? Edge) Sized(ConfigFile file, bool squashes)
    {
        var size = file.At("size");
        switch (size)
        {
            case null:
                return (squashes ? ClipResize.Squash : ClipResize.Shortest, null);
            case JsonObject sides when sides.ContainsKey("shortest_edge"):
                return (ClipResize.Shortest, SaidSize.Of(file, "size.shortest_edge"));
            case JsonObject sides when sides.ContainsKey("height"):
                return (ClipResize.Squash, SaidSize.Of(file, "size"));
            case JsonObject:
                throw file.Bad("size", "a number, or have shortest_edge, or height and width");
            default:
                return (squashes || size is JsonArray ? ClipResize.Squash : ClipResize.Shortest, SaidSize.Of(file, "size"));
        }
    }

    /// <param name="own">preprocess_cfg.</param>
    /// <param name="imageSize">The model's; null where the file does not describe the model.</param>
    internal static ClipPreprocessing FromOpenClip(ConfigFile own, SaidSize? imageSize)
    {
        own.Refuse(RefusedOpenClipKeys);
        var fill = own.At("fill_color") is null ? 0 : own.Get<double>("fill_color");
        return Of(imageSize ?? (own.At("size") is null ? new(DefaultSize, null) : SaidSize.Of(own, "size"))) with
        {
            Mode = own.At("resize_mode")?.ToString() switch
            {
                "longest" => ClipResize.Longest,
                "squash" => ClipResize.Squash,
                _ => ClipResize.Shortest,
            },
            Filter = own.At("interpolation") is null ? PilFilter.Bicubic : Filtered(own, "interpolation"),
            Fill = fill is >= 0 and <= 255 ? (byte)fill : throw own.Bad("fill_color", "0 to 255"),
            Mean = Channels(own, "mean", ClipPreprocessor.DefaultMean),
            Std = Channels(own, "std", ClipPreprocessor.DefaultStd),
        };
    }

    // transforms_imagenet_eval of timm.
    internal static ClipPreprocessing Timm(ConfigFile file)
    {
        file.Refuse(RefusedTimmKeys);
        int[] input = file.At("input_size") is null ? [3, 224, 224] : [.. file.Get<IReadOnlyList<float>>("input_size").Select(v => (int)v)];
        if (input.Length != 3 || input[0] != 3 || input[1] != input[2] || input[1] < 1)
        {
            throw file.Bad("input_size", "3 channels of a square");
        }
        var share = file.At("crop_pct") is null ? TimmCrop : file.Get<double>("crop_pct");
        return !(share is > 0 and <= 1)
            ? throw file.Bad("crop_pct", "above 0 and at most 1")
            : new(input[1])
            {
                Mode = file.At("crop_mode")?.ToString() == "squash" ? ClipResize.Squash : ClipResize.Shortest,
                SizeKey = file.At("input_size") is null ? null : $"{file.Path}: input_size",
                Edge = (int)Math.Floor(input[1] / share),
                Filter = file.At("interpolation") is null ? PilFilter.Bicubic : Filtered(file, "interpolation"),
                Mean = Channels(file, "mean", [0.485f, 0.456f, 0.406f]),
                Std = Channels(file, "std", [0.229f, 0.224f, 0.225f]),
            };
    }

    // Pillow's number, or a name. "random" is of training: both libraries are bicubic without it.
    private static PilFilter Filtered(ConfigFile file, string key)
    {
        var value = file.At(key) as JsonValue;
        if (key == "interpolation" && value?.GetValueKind() == JsonValueKind.String && value.ToString() == "random")
        {
            return PilFilter.Bicubic;
        }
        return
            value is not null
            && (
                value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<int>(out var number) && Enum.IsDefined((PilFilter)number)
                    ? (PilFilter?)number
                : value.GetValueKind() == JsonValueKind.String
                && Enum.TryParse<PilFilter>(value.ToString(), ignoreCase: true, out var named)
                && !char.IsDigit(value.ToString()[0])
                    ? named
                : null
            )
                is { } filter
            ? filter
            : throw file.Bad(key, "one of " + string.Join(", ", Enum.GetValues<PilFilter>().Select(f => $"{(int)f} ({f})")));
    }

    private static double? FactorOf(ConfigFile file)
    {
        if (file.At("rescale_factor") is null)
        {
            return null;
        }
        var factor = file.Get<double>("rescale_factor");
        return !double.IsFinite(factor) || factor == 0 ? throw file.Bad("rescale_factor", "a number that is not 0")
            : Math.Abs((factor * 255) - 1) < 1e-9 ? null
            : factor;
    }

    private static IReadOnlyList<float> Channels(ConfigFile file, string key, IReadOnlyList<float> standard)
    {
        if (file.At(key) is null)
        {
            return standard;
        }
        var divides = key.EndsWith("std", StringComparison.Ordinal);
        var values = file.Get<ChannelValues>(key).Each;
        return values.Count == 3 && values.All(v => float.IsFinite(v) && (v > 0 || !divides))
            ? values
            : throw file.Bad(key, $"three numbers{(divides ? " above 0" : "")}, or one for all channels");
    }

    private static string Number(float value) => value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>A size in pixels, and where it is said.</summary>
/// <param name="Pixels">Height and width.</param>
/// <param name="Key">The file and the key; null for a default.</param>
internal sealed record SaidSize(int Pixels, string? Key)
{
    /// <summary>The size that a key says, which is there.</summary>
    public static SaidSize Of(ConfigFile file, string key) => new(file.Get<SquareSide>(key).Pixels, $"{file.Path}: {key}");
}
