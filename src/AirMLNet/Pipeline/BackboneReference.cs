using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Files;
using Microsoft.ML;
using TorchSharp;

namespace AirMLNet.Pipeline;

/// <summary>Which CLIP model a saved stage needs. Its files are in the zip only when it was embedded.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Sha256">Hash of its weights.</param>
/// <param name="Architecture">Its sizes, for people.</param>
/// <param name="Files">Names of the embedded files, relative to the folder; empty when it is stored by reference.</param>
internal sealed record BackboneReference(string Name, string Sha256, string Architecture, string[] Files)
{
    private static readonly string[] Extensions = [".json", ".txt", ".gz", ".safetensors"];

    /// <summary>Where the model was when the stage was saved, in full; null in models saved before it was kept, and where it is
    /// embedded.</summary>
    public string? Folder { get; init; }

    /// <summary>Preprocessing and activations, which decide a feature beside the weights; null in models saved before they were
    /// kept.</summary>
    public string? Settings { get; init; }

    /// <summary>All else of the model's configuration that decides a feature; null in models saved before it was kept.</summary>
    public string? Configuration { get; init; }

    /// <summary>A hash of its tokenizer, of stages that read texts; null for others, and in models saved before it was kept.</summary>
    public string? Tokenizer { get; init; }

    /// <param name="backbone">The model.</param>
    /// <param name="embed">Whether its files go into the zip.</param>
    /// <param name="texts">Whether the stage reads texts when it is loaded again.</param>
    public static BackboneReference Of(ClipBackbone backbone, bool embed, bool texts = false)
    {
        var config = backbone.Model.Config;
        var architecture =
            $"{(config.Vision.ResNet is null ? "ViT" : "ResNet")} {config.Vision.Layers}x{config.Vision.HiddenSize}, "
            + $"patch {config.Vision.PatchSize}, {config.Vision.ImageSize} px; "
            + $"text {config.Text.Layers}x{config.Text.HiddenSize}; {config.ProjectionDim} features";
        return new(backbone.Name, backbone.WeightsSha256, architecture, embed ? FilesOf(backbone.Folder) : [])
        {
            Folder = embed ? null : backbone.Folder,
            Settings = SettingsOf(backbone),
            Configuration = ClipFacts.Of(backbone.Model.Config),
            Tokenizer = texts ? backbone.Tokenizer.Sha256 : null,
        };
    }

    public void WriteFiles(ModelSaveContext ctx, string folder)
    {
        for (var i = 0; i < Files.Length; i++)
        {
            ModelStream.WriteFile(ctx, StreamName(i), Path.Combine(folder, Files[i]));
        }
    }

    /// <summary>
    /// Finds and loads the model: the embedded files, the folder it was trained with, one beside the zip, then AIRMLNET_HOME.
    /// </summary>
    /// <exception cref="FileNotFoundException">It is nowhere.</exception>
    /// <exception cref="InvalidOperationException">
    /// What is there has other weights, or the device does not compute in the numbers that the model does.
    /// </exception>
    public BackboneLease Take(ModelLoadContext ctx, string folder, torch.Device device, ClipExecution execution)
    {
        if (Files is null || Sha256 is null || Name is null)
        {
            throw new FormatException("The saved model does not say which CLIP model it needs.");
        }
        if (execution.Precision == ClipPrecision.Float16 && device.type == DeviceType.CPU)
        {
            throw new InvalidOperationException(
                $"The saved model computes in {ClipPrecision.Float16}, which only GPUs do: load it with MLContext.GpuDeviceId set."
            );
        }
        if (Files.Length > 0)
        {
            return Embedded(ctx, device, execution);
        }

        List<string> tried = [Path.GetFullPath(folder), .. Folder is null ? Array.Empty<string>() : [Folder]];
        if (SavedModelPlace.Folder is { } place)
        {
            tried.Add(Path.Combine(place, SafeName(Name)));
            if (!Path.IsPathRooted(folder))
            {
                tried.Add(Path.GetFullPath(folder, place));
            }
        }
        if (AirHome.Given is { } home)
        {
            tried.Add(Path.Combine(home, SafeName(Name)));
        }

        var wrong = new List<string>();
        tried = [.. tried.Distinct(StringComparer.Ordinal)];
        foreach (var candidate in tried.Where(Directory.Exists))
        {
            if (Load(candidate, device, execution, out var hash) is { } model)
            {
                return model;
            }

            wrong.Add($"{candidate} (SHA-256 {hash})");
        }
        if (wrong.Count > 0)
        {
            throw new InvalidOperationException(
                $"The saved model needs {Name} with weights of SHA-256 {Sha256}, but found other weights in {string.Join(", ", wrong)}."
            );
        }

        // ML.NET does not tell a stage where the zip lies, so that nothing beside it was looked at.
        var beside = SavedModelPlace.Folder is null ? " and load it with ml.Model.LoadAdapted" : "";
        throw new FileNotFoundException(
            $"The saved model needs the CLIP model {Name} ({Architecture}; SHA-256 of its weights {Sha256}), "
                + $"which is not in {string.Join(" or ", tried)}. "
                + $"Put its folder beside the model's file{beside}, or set {AirHome.Variable} to the folder that holds a folder '{Name}'.",
            folder
        );
    }

    private BackboneLease Embedded(ModelLoadContext ctx, torch.Device device, ClipExecution execution)
    {
        for (var anew = false; ; anew = true)
        {
            var target = Extract(ctx, out var wasThere);
            try
            {
                return Load(target, device, execution, out var found)
                    ?? throw new InvalidOperationException(
                        $"The embedded model {Name} is damaged: its weights have SHA-256 {found}; expected {Sha256}."
                    );
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException or InvalidDataException or IOException)
            {
                // What is not what it says must not stay: the model that it says it is would be taken for it.
                Discard(target);
                if (!wasThere || anew)
                {
                    throw;
                }
            }
        }
    }

    private static void Discard(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process reads it, or it is another user's; it is refused anew then.
        }
    }

    private BackboneLease? Load(string folder, torch.Device device, ClipExecution execution, out string hash)
    {
        using var model = BackboneLease.Take(folder, device, execution);
        hash = model.Backbone.WeightsSha256;
        if (hash != Sha256)
        {
            return null;
        }
        var settings = SettingsOf(model.Backbone);
        if (Settings is not null && Settings != settings)
        {
            throw Other(Settings, settings);
        }
        var configuration = ClipFacts.Of(model.Backbone.Model.Config);
        if (Configuration is not null && Configuration != configuration)
        {
            var (then, now) = (Configuration.Split(ClipFacts.Between), configuration.Split(ClipFacts.Between));
            throw Other(string.Join(ClipFacts.Between, then.Except(now)), string.Join(ClipFacts.Between, now.Except(then)));
        }
        if (Tokenizer is not null && Tokenizer != model.Backbone.Tokenizer.Sha256)
        {
            throw new InvalidOperationException(
                $"The saved model needs {Name} with the tokenizer that it was fitted with; {folder} now has another, which gives texts "
                    + "other tokens. Put the former tokenizer files back, or fit anew."
            );
        }
        return model.Keep();

        InvalidOperationException Other(string then, string now) =>
            new($"The saved model needs {Name} with the settings that it was fitted with ({then}); {folder} now has others ({now}).");
    }

    private static string SettingsOf(ClipBackbone backbone) =>
        $"images {backbone.Preprocessor.Description}; {backbone.Model.Config.Vision.Activation}, {backbone.Model.Config.Text.Activation}";

    /// <summary>Unpacks the embedded files into a folder named by their hash, once.</summary>
    private string Extract(ModelLoadContext ctx, out bool wasThere)
    {
        if (Sha256.Length != 64 || !Sha256.All(char.IsAsciiHexDigit))
        {
            throw new FormatException($"The saved model has '{Sha256}' where a SHA-256 is expected.");
        }

        // The same weights may have been embedded with other settings.
        var key = Settings is null
            ? Sha256
            : $"{Sha256}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Settings + Configuration + Tokenizer)))[..16]}";
        var target = Path.Combine(AirHome.Folder, "embedded", key, SafeName(Name));
        wasThere = Directory.Exists(target);
        if (wasThere)
        {
            return target;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The saved model holds its CLIP model {Name}, which is unpacked into {target}, but that folder cannot be made: "
                    + $"{e.Message} Set {AirHome.Variable} to a folder that this program may write into.",
                e
            );
        }
        var part = $"{target}.{Guid.NewGuid():N}.part";
        try
        {
            for (var i = 0; i < Files.Length; i++)
            {
                var path = Path.GetFullPath(Path.Combine(part, Files[i]));
                var fault = PortablePath.Fault(Files[i]);
                if (fault is not null || !path.StartsWith(Path.GetFullPath(part) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                {
                    throw new FormatException(
                        $"The saved model has an embedded file '{Files[i]}', {fault ?? "which would lie outside the folder"}."
                    );
                }
                // Nothing that a system or a loader would run, whatever its name in the list.
                if (!Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) || File.Exists(path))
                {
                    throw new FormatException(
                        $"The saved model has an embedded file '{Files[i]}'; {string.Join(", ", Extensions)}, each once, are expected."
                    );
                }

                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                ModelStream.ReadFile(ctx, StreamName(i), "CLIP model", path);
            }
            try
            {
                Directory.Move(part, target);
            }
            catch (IOException) when (Directory.Exists(target)) // another process was faster
            { }
        }
        finally
        {
            if (Directory.Exists(part))
            {
                Directory.Delete(part, recursive: true);
            }
        }
        return target;
    }

    private static string SafeName(string name) =>
        name is "" or "." or ".." || name.IndexOfAny(['/', '\\']) >= 0
            ? throw new FormatException($"The saved model names its CLIP model '{name}'; expected a folder name.")
            : name;

    private static string StreamName(int i) => $"backbone.{i}.bin";

    private static string[] FilesOf(string folder) =>
        Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => Extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
            .Select(f => Path.GetRelativePath(folder, f).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)
            .ToArray();
}
