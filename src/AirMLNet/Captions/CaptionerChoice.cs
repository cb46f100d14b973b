using AirMLNet.Clip;
using AirMLNet.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Captions;

/// <summary>Which captioner was asked for, as the command and the experiments say it.</summary>
internal sealed record CaptionerChoice
{
    /// <summary>Address of a server that speaks OpenAI's protocol.</summary>
    public string? Server { get; init; }

    /// <summary>The model's name there.</summary>
    public string? Model { get; init; }

    /// <summary>Name of the environment variable that holds the key.</summary>
    public string? ApiKeyEnv { get; init; }

    /// <summary>Phrases that CLIP itself chooses.</summary>
    public bool Attributes { get; init; }

    /// <summary>File with a phrase a line for <see cref="Attributes"/>; null for the general ones.</summary>
    public string? Vocabulary { get; init; }

    /// <summary>
    /// Texts that are there: a file of JSON lines, or a folder with a text file for each image, or with folders <c>images</c> and
    /// <c>groups</c> of them.
    /// </summary>
    public string? Texts { get; init; }

    /// <summary>Folder of a LLaVA-NeXT that writes them in this process.</summary>
    public string? Folder { get; init; }

    /// <summary>Makes the captioner.</summary>
    /// <param name="clipFolder">The model that chooses phrases.</param>
    /// <param name="device">Where the model of <see cref="Folder"/> runs, in bfloat16 on a GPU; the processor when null.</param>
    /// <exception cref="FormatException">None or several are chosen, or a part is missing; the message says which.</exception>
    /// <exception cref="IOException">A file or folder is not there.</exception>
    public ICaptioner Open(string clipFolder, Device? device = null)
    {
        Check();
        if (Folder is not null)
        {
            var precision = device is null || device.type == DeviceType.CPU ? ClipPrecision.Float32 : ClipPrecision.BFloat16;
            return LlavaCaptioner.Load(Folder, device, new() { Precision = precision });
        }

        if (Server is not null)
        {
            return Connect();
        }

        return Texts is not null
            ? FileCaptions.Open(Texts)
            : new AttributeCaptioner(clipFolder, Vocabulary is { } file ? Phrases(file) : null);
    }

    /// <summary>The captioner that is a server.</summary>
    /// <param name="options">How it is asked; null for the defaults.</param>
    /// <exception cref="FormatException">A part is missing; the message says which.</exception>
    public ChatCaptioner Connect(ChatCaptionerOptions? options = null)
    {
        Check();
        // A file that a key was read from ends in a line's end.
        var key = ApiKeyEnv is null ? null : Environment.GetEnvironmentVariable(ApiKeyEnv)?.Trim();
        return string.IsNullOrEmpty(key) && ApiKeyEnv is not null
            ? throw new FormatException(
                key is null
                    ? $"The environment has no variable {ApiKeyEnv}, which is to hold the server's key."
                    : $"The variable {ApiKeyEnv}, which is to hold the server's key, is empty."
            )
            : ChatCaptioner.Connect(new Uri(Server!), Model!, key, options);
    }

    /// <summary>Checks what <see cref="Open"/> would, but opens nothing.</summary>
    /// <exception cref="FormatException">As there.</exception>
    public void Check()
    {
        if ((Server is null ? 0 : 1) + (Attributes ? 1 : 0) + (Texts is null ? 0 : 1) + (Folder is null ? 0 : 1) != 1)
        {
            throw new FormatException("A captioner is one of a server, a LLaVA's folder, attributes and texts that are there.");
        }

        if (Server is not null && (!Uri.TryCreate(Server, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https")))
        {
            throw new FormatException(
                $"The captioner is '{Server}'; expected 'attributes', the folder of a LLaVA, or a server's address such as "
                    + "http://localhost:8000/v1."
            );
        }

        if (Server is not null && new Uri(Server).UserInfo.Length > 0)
        {
            throw new FormatException(
                "The captioner's address has a name or password in it, which is not sent; give the server's key by an environment variable."
            );
        }

        if (Server is not null && string.IsNullOrWhiteSpace(Model))
        {
            throw new FormatException($"The captioner at {Server} needs the name of its model.");
        }

        if (Server is null && (Model ?? ApiKeyEnv) is not null)
        {
            throw new FormatException("A model's name and a key are for a captioner that is a server.");
        }

        if (Vocabulary is not null && !Attributes)
        {
            throw new FormatException("A vocabulary is for attributes.");
        }
    }

    private static string[] Phrases(string file)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"There is no vocabulary {file}.", file);
        }

        string[] phrases = [.. TextFile.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return phrases.Length >= AttributeCaptioner.StandardCount
            ? phrases
            : throw new InvalidDataException(
                $"{file}: {phrases.Length} phrases; expected {AttributeCaptioner.StandardCount} or more, one a line."
            );
    }
}
