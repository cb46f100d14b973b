using System.Globalization;
using AirMLNet.Images;
using AirMLNet.Options;
using Microsoft.Extensions.AI;

namespace AirMLNet.Captions;

/// <summary>How a <see cref="ChatCaptioner"/> asks; the defaults are LatteCLIP's.</summary>
public sealed record ChatCaptionerOptions
{
    /// <summary>The model; null for the client's own.</summary>
    public string? Model
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>0 takes the likeliest word each time. 0..2.</summary>
    public double Temperature
    {
        get;
        init => field = OptionCheck.Range(value, 0, 2);
    }

    /// <summary>Words and parts of words of an answer at most, 1..4096.</summary>
    public int MaxTokens
    {
        get;
        init => field = OptionCheck.Range(value, 1, 4096);
    } = 77;

    /// <summary>
    /// Images with a longer side are shrunk to it before they are sent, 1..16384 pixels; the models that LatteCLIP uses look at 1008 at
    /// most.
    /// </summary>
    public int MaxSide
    {
        get;
        init => field = OptionCheck.Range(value, 1, 16_384);
    } = 1344;
}

/// <summary>
/// A multimodal chat model as captioner: any <see cref="IChatClient"/>, and so every server that speaks OpenAI's protocol.
/// </summary>
public sealed class ChatCaptioner : ICaptioner
{
    private readonly IChatClient _client;
    private readonly ChatCaptionerOptions _options;
    private readonly string _model;

    /// <param name="client">The model, which stays the caller's.</param>
    /// <param name="options">How it is asked; null for the defaults.</param>
    /// <exception cref="ArgumentException">Neither the options nor the client name a model.</exception>
    public ChatCaptioner(IChatClient client, ChatCaptionerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        (_client, _options) = (client, options ?? new ChatCaptionerOptions());
        _model =
            _options.Model
            ?? (client.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId
            ?? throw new ArgumentException(
                $"The client names no model; set {nameof(ChatCaptionerOptions)}.{nameof(ChatCaptionerOptions.Model)}.",
                nameof(client)
            );
    }

    /// <inheritdoc/>
    public string Identity =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{_model}; temperature {_options.Temperature}; {_options.MaxTokens} tokens; {_options.MaxSide} pixels"
        );

    /// <summary>A model on a server that speaks OpenAI's protocol: vLLM, llama.cpp's server, Ollama, a hosted one.</summary>
    /// <param name="server">Its address, such as <c>http://localhost:8000/v1</c>.</param>
    /// <param name="model">The model's name there.</param>
    /// <param name="apiKey">The key; null where the server asks for none.</param>
    /// <param name="options">How it is asked; its model is not looked at.</param>
    /// <exception cref="ArgumentException">The address is none or has a password in it, or the key has letters that no key has.</exception>
    public static ChatCaptioner Connect(Uri server, string model, string? apiKey = null, ChatCaptionerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        OptionCheck.NotBlank(model);
        return new ChatCaptioner(new ChatServer(server, model, apiKey), (options ?? new ChatCaptionerOptions()) with { Model = model });
    }

    /// <inheritdoc/>
    public async Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return await AskAsync(
                [new DataContent(ImageCodec.EncodePng(Shrunk(request.Image)), "image/png"), new TextContent(request.Prompt)],
                cancellation
            )
            .ConfigureAwait(false);
    }

    /// <summary>An answer to words alone.</summary>
    internal Task<string> WriteAsync(string prompt, CancellationToken cancellation) => AskAsync([new TextContent(prompt)], cancellation);

    private async Task<string> AskAsync(IList<AIContent> contents, CancellationToken cancellation)
    {
        var message = new ChatMessage(ChatRole.User, contents);
        var wanted = new ChatOptions
        {
            ModelId = _model,
            Temperature = (float)_options.Temperature,
            MaxOutputTokens = _options.MaxTokens,
        };
        var response = await _client.GetResponseAsync([message], wanted, cancellation).ConfigureAwait(false);
        return response.FinishReason == ChatFinishReason.ContentFilter ? "" : response.Text;
    }

    private RgbImage Shrunk(RgbImage image)
    {
        var longest = Math.Max(image.Width, image.Height);
        if (longest <= _options.MaxSide)
        {
            return image;
        }

        int Side(int side) => Math.Max(1, (int)((long)side * _options.MaxSide / longest));
        return PilResize.Lanczos(image, Side(image.Width), Side(image.Height));
    }
}
