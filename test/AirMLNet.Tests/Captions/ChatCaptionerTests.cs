using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Options;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Captions;

[TestClass]
public sealed class ChatCaptionerTests
{
    private readonly TemporaryFolder _folder = new();
    private readonly CaptionServer _server = new();
    private readonly InstantTime _time = new();

    [TestCleanup]
    public void Delete()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    public async Task EveryImageGetsTheTextOfItsOwnPixels()
    {
        var items = Items(20);
        var done = 0L;
        var result = await Job(progress: p => done = Math.Max(done, p.Done)).RunAsync(items);
        Assert.AreEqual(20, result.Made);
        Assert.AreEqual(20L, done);
        Assert.IsEmpty(result.Missing);
        for (var i = 0; i < items.Count; i++)
        {
            Assert.AreEqual(CaptionServer.Describe(items[i].Request.Image, items[i].Request.Prompt), result.Texts[i]);
        }
    }

    [TestMethod]
    public async Task TheModelIsAskedAsTheOptionsSay()
    {
        await Job().RunAsync(Items(1));
        var (body, authorization) = _server.Seen.Single();
        Assert.AreEqual("eyes", (string?)body["model"]);
        Assert.AreEqual(0, (double)body["temperature"]!);
        Assert.AreEqual(77, (int)body["max_tokens"]!);
        Assert.IsNull(body["max_completion_tokens"]); // servers that know both refuse both
        Assert.AreEqual("Bearer secret", authorization);
    }

    [TestMethod]
    public async Task LargeImagesAreSentSmaller()
    {
        var wide = new RgbImage(400, 100, new byte[3 * 400 * 100]);
        var captioner = ChatCaptioner.Connect(_server.Address, "eyes", options: new ChatCaptionerOptions { MaxSide = 200 });
        var text = await captioner.DescribeAsync(new CaptionRequest("wide", CaptionKind.Image, "what?", () => wide));
        Assert.AreEqual("mean 0 0 0, 200 by 50: what?", text);
    }

    [TestMethod]
    public async Task WhatIsThereIsNotAskedForAgain_AndAnotherPromptOrModelIs()
    {
        await Job().RunAsync(Items(5));
        var again = await Job().RunAsync(Items(7));
        Assert.AreEqual(2, again.Made);
        Assert.HasCount(7, _server.Seen);
        Assert.AreEqual(7, (await Job().RunAsync(Items(7, "another question"))).Made);
        Assert.AreEqual(7, (await Job(model: "other-eyes").RunAsync(Items(7))).Made);
        Assert.HasCount(21, Directory.GetFiles(_folder, "*", SearchOption.AllDirectories));
    }

    [TestMethod]
    public async Task EqualImagesAreAskedAboutOnce()
    {
        var item = Items(1)[0];
        var result = await Job().RunAsync([item, item, item]);
        Assert.HasCount(1, _server.Seen);
        Assert.AreEqual(result.Texts[0], result.Texts[2]);
    }

    [TestMethod]
    public async Task ABusyServerIsAskedAgainWhenItSays()
    {
        _server.Spoil = (n, _) =>
            n switch
            {
                0 => ("429 Too Many Requests", "Retry-After: 7\r\n", "{}"),
                1 => ("503 Service Unavailable", "", "busy"),
                2 => ("200 OK", "", "{ \"choices\": [ { "),
                3 => (CaptionServer.Drop, "", ""),
                4 => ("200 OK", "", "{ \"id\": \"1\", \"choices\": [] }"),
                5 => ("200 OK", "", "{ \"id\": \"1\", \"choices\": [ { \"index\": 0, \"finish_reason\": \"stop\" } ] }"),
                _ => null,
            };
        var items = Items(1);
        var result = await Job().RunAsync(items);
        Assert.AreEqual(CaptionServer.Describe(items[0].Request.Image, items[0].Request.Prompt), result.Texts[0]);
        double[] waits = [.. _time.Waits.Where(w => w < TimeSpan.FromMinutes(5)).Select(w => w.TotalSeconds)];
        CollectionAssert.AreEqual(new double[] { 7, 2, 4, 8, 16, 32 }, waits);
    }

    /// <summary>The client takes names that it does not know for paths, and throws what bad paths throw.</summary>
    [TestMethod]
    public async Task AnAnswerWithNamesThatAreNone_IsAskedForAgain()
    {
        const string Message = "{ \"role\": \"assistant\", \"\": \"assistant\", \"conten]\": \"a cat\" }";
        _server.Spoil = (n, _) =>
            n == 0
                ? ("200 OK", "", $$"""{ "id": "1", "choices": [ { "index": 0, "finish_reason": "stop", "message": {{Message}} } ] }""")
                : null;
        var items = Items(1);
        var result = await Job().RunAsync(items);
        Assert.AreEqual(CaptionServer.Describe(items[0].Request.Image, items[0].Request.Prompt), result.Texts[0]);
    }

    [TestMethod]
    public async Task AServerThatStaysBusy_IsAnErrorThatSaysWhatIsKept()
    {
        _server.Spoil = (n, _) => n < 3 ? null : ("500 Internal Server Error", "", "out of memory");
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Job(parallel: 1).RunAsync(Items(5)));
        Assert.Contains("picture 3", e.Message);
        Assert.Contains("3 attempts", e.Message);
        Assert.Contains("500", e.Message);
        Assert.Contains(_folder.Path, e.Message);

        _server.Spoil = (_, _) => null;
        Assert.AreEqual(2, (await Job().RunAsync(Items(5))).Made); // three were kept
    }

    [TestMethod]
    public async Task AWrongKeyStopsAtOnce()
    {
        _server.Spoil = (_, _) => ("401 Unauthorized", "", "{ \"error\": { \"message\": \"no such key\" } }");
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Job(parallel: 1).RunAsync(Items(5)));
        Assert.Contains("401", e.Message);
        Assert.HasCount(1, _server.Seen);
    }

    [TestMethod]
    public async Task ARefusedImageIsReported_AndTheOthersAreDescribed()
    {
        _server.Spoil = (n, _) => n == 1 ? ("400 Bad Request", "", "{ \"error\": { \"message\": \"image too odd\" } }") : null;
        var result = await Job(parallel: 1).RunAsync(Items(4));
        Assert.AreEqual("picture 1", result.Missing.Single().Name);
        Assert.Contains("too odd", result.Missing.Single().Reason);
        Assert.AreEqual("", result.Texts[1]);
        Assert.AreNotEqual("", result.Texts[2]);
        Assert.AreEqual(1, (await Job().RunAsync(Items(4))).Made); // another try
    }

    [TestMethod]
    public async Task WhereEverythingIsRefused_ThereIsAnError()
    {
        _server.Spoil = (_, _) => ("422 Unprocessable Entity", "", "{}");
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Job().RunAsync(Items(30)));
        Assert.Contains("refused", e.Message);
        Assert.IsLessThan(30, _server.Seen.Count);
    }

    [TestMethod]
    public async Task EmptyAnswersAndThoseThatDeclineCountAsNone()
    {
        string[] answers = ["  \n ", "I’m sorry, but I can't help with that.", "Two\nlines\r\nof text "];
        _server.Spoil = (n, _) => ("200 OK", "", CaptionServer.Answer(answers[n]));
        var result = await Job(parallel: 1).RunAsync(Items(3));
        CollectionAssert.AreEqual(new[] { "", "", "Two lines of text" }, result.Texts.ToArray());
        CollectionAssert.AreEqual(new[] { "picture 0", "picture 1" }, result.Missing.Select(m => m.Name).ToArray());

        var again = await Job().RunAsync(Items(3)); // they are answers: not asked for again, and still reported
        Assert.AreEqual(0, again.Made);
        Assert.HasCount(2, again.Missing);
    }

    [TestMethod]
    public async Task AThoughtIsNoPartOfTheText()
    {
        string[] answers =
        [
            "<think>\nA dog? No.\n</think>\n\na cat on a sofa",
            "A dog? No.\n</think>\n\na cat on a chair",
            "<think></think>",
            "<think>A dog, or a",
            "a sign that reads <think>",
        ];
        _server.Spoil = (n, _) => ("200 OK", "", CaptionServer.Answer(answers[n]));
        var result = await Job(parallel: 1).RunAsync(Items(5));
        CollectionAssert.AreEqual(
            new[] { "a cat on a sofa", "a cat on a chair", "", "", "a sign that reads <think>" },
            result.Texts.ToArray()
        );
        CollectionAssert.AreEqual(new[] { "picture 2", "picture 3" }, result.Missing.Select(m => m.Name).ToArray());
        Assert.AreEqual("the answer is empty", result.Missing[1].Reason);
        // Texts that were kept before thoughts were left out.
        Assert.AreEqual("a cat", CaptionJob.Usable("<think> A dog? </think>  a cat", out _));
    }

    [TestMethod]
    public async Task AnAnswerOfAPageIsNoText_AndIsAskedForAgain()
    {
        _server.Spoil = (n, _) => n == 1 ? null : ("200 OK", "", CaptionServer.Answer(new string('a', 10_001)));
        var items = Items(2);
        var result = await Job(parallel: 1).RunAsync(items[..1]);
        Assert.AreEqual(CaptionServer.Describe(items[0].Request.Image, items[0].Request.Prompt), result.Texts[0]);
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Job(parallel: 1).RunAsync(items));
        Assert.Contains("picture 1 could not be described in 3 attempts: the answer has 10001 characters, which is no caption", e.Message);
    }

    [TestMethod]
    public async Task ALongWaitIsSaidOnce()
    {
        List<string> said = [];
        _server.Spoil = (n, _) => n < 3 ? ("429 Too Many Requests", $"Retry-After: {(n == 0 ? 7 : 120)}\r\n", "{}") : null;
        var result = await Job(warn: said.Add).RunAsync(Items(1));
        Assert.AreEqual(1, result.Made);
        Assert.Contains("HTTP 429", said.Single());
        Assert.Contains("asking again in 120 s, as the server wants", said.Single());
    }

    [TestMethod]
    [DataRow("86400", "86400 s (24.0 hours)")]
    [DataRow("1e300", "1000000000 s")]
    public async Task AServerThatWantsToBeLeftAloneForHours_IsAnError(string wanted, string named)
    {
        _server.Spoil = (_, _) => ("429 Too Many Requests", $"Retry-After: {wanted}\r\n", "{}");
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Job().RunAsync(Items(1)));
        Assert.Contains($"The server asks to wait for {named}", e.Message);
        Assert.Contains("picture 0 could not be described: HTTP 429", e.Message);
        Assert.HasCount(1, _server.Seen);
    }

    [TestMethod]
    public async Task AServerThatNeverAnswers_IsGivenUp()
    {
        _server.Spoil = (_, _) => (CaptionServer.Stall, "", "");
        var job = Job(time: new InstantTime(_ => true));
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => job.RunAsync(Items(1)));
        Assert.Contains("no answer within 300 s", e.Message);
    }

    [TestMethod]
    public async Task CancellationKeepsWhatIsFinished()
    {
        using var cancel = new CancellationTokenSource();
        _server.BeforeAnswer = n =>
        {
            if (n == 3)
            {
                cancel.Cancel();
            }
        };
        await Assert.ThrowsAsync<OperationCanceledException>(() => Job(parallel: 1, cancellation: cancel.Token).RunAsync(Items(9)));
        Assert.HasCount(3, Directory.GetFiles(_folder, "*.txt", SearchOption.AllDirectories));
        Assert.IsEmpty(Directory.GetFiles(_folder, "*.tmp", SearchOption.AllDirectories));
    }

    [TestMethod]
    public async Task AnEstimateTimesEightCalls_WhichAreKept()
    {
        var estimate = await Job().EstimateAsync(Items(20));
        Assert.AreEqual((8, 12), (estimate!.Timed, estimate.Left));
        Assert.AreEqual(estimate.Each * 12, estimate.Time);
        Assert.HasCount(8, _server.Seen);
        Assert.AreEqual(12, (await Job().RunAsync(Items(20))).Made);
        Assert.IsNull(await Job().EstimateAsync(Items(20)));
    }

    [TestMethod]
    public void RetryAfterIsSecondsOrADate()
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        Assert.AreEqual(TimeSpan.FromSeconds(120), CaptionFailure.RetryAfter("120", now));
        Assert.AreEqual(TimeSpan.FromSeconds(55), CaptionFailure.RetryAfter("Fri, 02 Jan 2026 03:05:00 GMT", now));
        Assert.AreEqual(TimeSpan.Zero, CaptionFailure.RetryAfter("Thu, 02 Jan 2025 03:05:00 GMT", now));
        Assert.IsNull(CaptionFailure.RetryAfter("soon", now));
    }

    private CaptionJob Job(
        string model = "eyes",
        int parallel = 4,
        TimeProvider? time = null,
        Action<ProgressReport>? progress = null,
        Action<string>? warn = null,
        CancellationToken cancellation = default
    ) =>
        new(
            ChatCaptioner.Connect(_server.Address, model, "secret"),
            new CaptionJobOptions
            {
                Folder = _folder,
                Parallel = parallel,
                Retries = parallel == 1 ? 2 : 6,
                Time = time ?? _time,
                Warn = warn,
                Progress = progress is null ? null : new DirectProgress(progress),
                CancellationToken = cancellation,
            }
        );

    /// <summary>Pictures that all differ.</summary>
    private static List<CaptionItem> Items(int count, string prompt = "what is there?")
    {
        List<CaptionItem> items = [];
        for (var i = 0; i < count; i++)
        {
            var image = TinyClip.Picture(i, new Random(i));
            items.Add(new(new CaptionRequest($"picture {i}", CaptionKind.Image, prompt, () => image), $"content {i}"));
        }
        return items;
    }
}
