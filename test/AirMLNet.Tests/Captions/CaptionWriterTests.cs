using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using AirMLNet.Captions;
using AirMLNet.Testing;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using OpenAI;

namespace AirMLNet.Tests.Captions;

/// <summary>Captions that a language model writes about classes, asked for over HTTP.</summary>
[TestClass]
public sealed class CaptionWriterTests
{
    private readonly TemporaryFolder _folder = new();
    private readonly CaptionServer _server = new();

    [TestCleanup]
    public void Delete()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    public async Task EveryCaptionNamesItsClasses_AndIsAskedForOnce()
    {
        var written = await Writer(Options(40)).RunAsync();
        Assert.HasCount(40, written.Captions);
        Assert.AreEqual(40, written.Made);
        Assert.IsEmpty(written.Refused);
        var table = Options(1).Nouns.Table();
        foreach (var caption in written.Captions)
        {
            Assert.IsTrue(caption.Classes.Count is 1 or 2);
            Assert.HasCount(caption.Classes.Count, caption.Classes.Distinct());
            var labels = table.Labels(caption.Text);
            CollectionAssert.AreEquivalent(caption.Classes.ToArray(), table.ClassNames.Where((_, c) => labels[c] == 1).ToArray());
        }

        // All classes have their turn, alone and together.
        Assert.HasCount(3, written.Captions.SelectMany(c => c.Classes).Distinct());
        Assert.HasCount(2, written.Captions.Select(c => c.Classes.Count).Distinct());
        var (body, _) = _server.Seen[0];
        Assert.AreEqual(1.0, (double)body["temperature"]!);

        var again = await Writer(Options(45)).RunAsync(); // more of them: those that are there stay
        Assert.AreEqual(5, again.Made);
        CollectionAssert.AreEqual(written.Captions.Select(c => c.Text).ToArray(), again.Captions.Take(40).Select(c => c.Text).ToArray());
        Assert.AreEqual(40, (await Writer(Options(40) with { Seed = 2 }).RunAsync()).Made);
    }

    [TestMethod]
    public async Task ACaptionThatLeavesAClassOut_IsAskedForAnew_AndInTheEndLeftOut()
    {
        var asked = new ConcurrentDictionary<string, int>();
        // The model forgets a dog at first, and hot dogs always: it writes of dogs instead.
        _server.Write = prompt =>
            prompt.Contains("hot dog", StringComparison.Ordinal) ? "a dog in the sun"
            : prompt.Contains("dog", StringComparison.Ordinal) && asked.AddOrUpdate(prompt, 1, (_, n) => n + 1) == 1 ? "a quiet street"
            : prompt;
        var options = Options(30) with { MostClasses = 1, ParallelCalls = 1 };
        var written = await Writer(options).RunAsync();

        Assert.IsNotEmpty(written.Refused);
        Assert.Contains("'a dog in the sun' does not name hot dog", written.Refused[0].Reason);
        Assert.AreEqual(30, written.Captions.Count + written.Refused.Count);
        Assert.IsTrue(written.Captions.All(c => c.Classes[0] != "hot dog"));
        Assert.IsTrue(written.Captions.Any(c => c.Classes[0] == "dog"));
        Assert.AreEqual(30 + 1 + (2 * written.Refused.Count), written.Made); // one dog once more, hot dogs three times in all

        _server.Write = _ => "nothing of the kind";
        var none = await Assert.ThrowsExactlyAsync<CaptionException>(() => Writer(Options(3) with { Seed = 9 }).RunAsync());
        Assert.Contains("Not one of 3 captions can be used; caption 1: 'nothing of the kind' does not name", none.Message);
    }

    [TestMethod]
    public void TheyAreRowsOfAPipeline()
    {
        var ml = new MLContext(1);
        using var client = new Echo();
        var captions = ml.Data.WriteCaptions(client, Options(12));
        var labelled = ml.Transforms.NounFilter("Labels", "Caption", Options(1).Nouns).Fit(captions).Transform(captions);
        Assert.HasCount(12, labelled.GetColumn<string>("Caption").ToArray());
        Assert.IsTrue(labelled.GetColumn<float[]>("Labels").All(labels => labels.Sum() is 1 or 2));
        Assert.Contains(
            "MostClasses = 5; there are 3 classes",
            Assert.ThrowsExactly<ArgumentException>(() => ml.Data.WriteCaptions(client, Options(1) with { MostClasses = 5 })).Message
        );
        Assert.Contains("Count = 0", Assert.Throws<ArgumentException>(() => Options(0)).Message);
        Assert.Contains("{}", Assert.Throws<ArgumentException>(() => Options(1) with { Prompt = "a caption" }).Message);
    }

    /// <summary>In a program nothing was said, for up to an hour.</summary>
    [TestMethod]
    public void ALongWait_IsSaidByTheLog()
    {
        var ml = new MLContext(1);
        List<string> said = [];
        using var stop = new CancellationTokenSource();
        ml.Log += (_, e) =>
        {
            if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
            {
                said.Add(e.RawMessage);
                stop.Cancel();
            }
        };
        _server.SpoilWords = _ => ("429 Too Many Requests", "Retry-After: 40\r\n", "{}");
        var settings = new OpenAIClientOptions { Endpoint = _server.Address, RetryPolicy = new ClientRetryPolicy(maxRetries: 0) };
        using var client = new OpenAIClient(new ApiKeyCredential("none"), settings).GetChatClient("words").AsIChatClient();
        Assert.Throws<OperationCanceledException>(() => ml.Data.WriteCaptions(client, Options(1) with { CancellationToken = stop.Token }));
        Assert.Contains("asking again in 40 s, as the server wants.", said.Single());
    }

    private CaptionWriter Writer(WriteCaptionsOptions options) =>
        new(ChatCaptioner.Connect(_server.Address, "words", options: options.Chat), options);

    private WriteCaptionsOptions Options(int count) =>
        new()
        {
            Nouns = new() { ClassNames = ["dog", "hot dog", "bicycle"] },
            Count = count,
            MostClasses = 2,
            Prompt = "a photo of {}",
            WorkFolder = _folder["texts"],
        };

    /// <summary>A client in the process that answers with the question.</summary>
    private sealed class Echo : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, messages.Single().Text)));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("echo", null, "echo") : null;

        public void Dispose() { }
    }
}
