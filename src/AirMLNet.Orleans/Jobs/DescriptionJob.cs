using AirMLNet.Captions;
using AirMLNet.Options;

namespace AirMLNet.Cluster;

/// <summary>
/// A text about each image of a folder, by a multimodal language model, as LatteCLIP's texts of images are made. Each is kept in
/// <see cref="WorkFolder"/> under a hash of the image's content, the question and the model, where <c>airml adapt --work</c> finds it too;
/// a piece writes its lines beside the output, the last one joins them.
/// </summary>
public sealed record DescriptionJob : ClusterJob
{
    /// <summary>Folder of images, searched with its sub-folders.</summary>
    public required string Images
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>
    /// The file of JSON lines, <c>{"image": "cats/1.png", "text": "…"}</c>, that <see cref="FileCaptions.FromJsonLines"/> and
    /// <c>--captioner</c> read. Images are named from <see cref="Images"/> on. A refused image has no text.
    /// </summary>
    public required string Output
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>Folder that keeps each text.</summary>
    public required string WorkFolder
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>Folder of a LLaVA-NeXT that each silo loads. Either this or <see cref="Server"/>.</summary>
    public string? Llava
    {
        get;
        init => field = value is null ? null : Absolute(value);
    }

    /// <summary>Address of a server that speaks OpenAI's protocol, such as <c>http://captioner:8000/v1</c>.</summary>
    public string? Server
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>The model's name at <see cref="Server"/>.</summary>
    public string? Model
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Name of the silos' environment variable that holds the server's key; null for none.</summary>
    public string? ApiKeyEnv
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>What the images show; see <see cref="CaptionSynthesisOptions.Domain"/>. The question names no class.</summary>
    public string Domain
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "object";

    /// <summary>Calls of a silo at a time, 1..256.</summary>
    public int ParallelCalls
    {
        get;
        init => field = OptionCheck.Range(value, 1, 256);
    } = 4;
}
