using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Captions;

/// <summary>What servers that speak OpenAI's protocol really answer.</summary>
[TestClass]
public sealed class ChatServerTests
{
    private const string Text = "a cat on a sofa";
    private const string Key = "sk-secret";
    private readonly TemporaryFolder _folder = new();
    private readonly CaptionServer _server = new();

    [TestCleanup]
    public void Delete()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    /// <summary>Reasons for the end, roles, counts and dates are each server's own, and no part of the text.</summary>
    [TestMethod]
    [DataRow("""{ "choices": [ { "message": { "content": "TEXT" } } ] }""")]
    [DataRow("""{ "choices": [ { "finish_reason": null, "message": { "role": null, "content": "TEXT" } } ] }""")]
    [DataRow("""{ "choices": [ { "finish_reason": "eos_token", "message": { "role": "model", "content": "TEXT" } } ] }""")]
    [DataRow("""{ "choices": [ { "finish_reason": "length", "message": { "content": "TEXT", "reasoning_content": "hm" } } ] }""")]
    [DataRow("""{ "choices": [ { "message": { "content": [ { "type": "text", "text": "TEXT" } ] } } ] }""")]
    [DataRow("""{ "choices": [ { "message": { "content": [ { "type": "thinking" }, { "type": "text", "text": "TEXT" } ] } } ] }""")]
    [DataRow("""{ "choices": [ { "message": { "content": "TEXT", "refusal": "", "tool_calls": null } } ], "id": 5, "created": 1.5 }""")]
    [DataRow("""{ "choices": [ { "message": { "content": "TEXT" } } ], "created": "now", "usage": { "total_tokens": 2.5 } }""")]
    [DataRow("\ufeff{ \"choices\": [ { \"message\": { \"content\": \"TEXT\" } } ] }")]
    public async Task Answers_of_any_server_are_read(string body) => Assert.AreEqual(Text, (await Ask(body)).Texts.Single());

    [TestMethod]
    [DataRow("""{ "content": null, "refusal": "Images of people are not described." }""", "stop", "declined: Images of people")]
    [DataRow("""{ "content": "a cat" }""", "content_filter", "the server's filter keeps the answer back")]
    [DataRow("""{ "content": null, "reasoning_content": "hm" }""", "length", "no answer within 77 tokens")]
    public async Task Why_there_is_no_text_is_said_and_nothing_kept(string message, string end, string expected)
    {
        var result = await Ask($$"""{ "choices": [ { "finish_reason": "{{end}}", "message": {{message}} } ] }""");
        Assert.Contains(expected, result.Missing.Single().Reason);
        Assert.IsEmpty(Directory.GetFiles(_folder, "*.txt", SearchOption.AllDirectories));
    }

    [TestMethod]
    [DataRow("200 OK", """{ "error": { "message": "model not found", "code": 404 } }""", "the server answers: model not found")]
    [DataRow("200 OK", """{ "error": "Unexpected endpoint" }""", "in 2 attempts: the server answers: Unexpected endpoint")]
    [DataRow(
        "200 OK",
        """{ "choices": [], "error": { "message": "overloaded", "code": 502 } }""",
        "in 2 attempts: the server answers: over"
    )]
    [DataRow("200 OK", "<!DOCTYPE html><html></html>", "it is a web page (asked at http://127.0.0.1:")]
    [DataRow("200 OK", "data: {\"choices\": []}\n\ndata: [DONE]\n\n", "it comes in pieces")]
    [DataRow("200 OK", "{ \"choices\": [ { \"delta\": { } } ] }", "it has no message")]
    [DataRow("404 Not Found", "404 page not found", "HTTP 404: 404 page not found (asked at http://127.0.0.1:")]
    [DataRow("403 Forbidden", "<html><body>long</body></html>", "HTTP 403: Forbidden.")]
    [DataRow("401 Unauthorized", """{ "error": { "message": "Wrong key: sk-secret \u001b[31m" } }""", "HTTP 401: Wrong key: … ")]
    [DataRow("503 Busy", """{ "detail": "Loading model" }""", "in 2 attempts: HTTP 503: Loading model")]
    public async Task Errors_are_said_in_the_server_s_words(string status, string body, string expected)
    {
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Ask(body, status));
        Assert.Contains(expected, e.Message);
        Assert.DoesNotContain(Key, e.ToString());
        Assert.IsFalse(e.Message.Any(char.IsControl), e.Message);
    }

    /// <summary>An answer without end would fill the memory.</summary>
    [TestMethod]
    public async Task An_answer_of_megabytes_is_not_read_to_its_end()
    {
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Ask(new string(' ', 9 << 20)));
        Assert.Contains("it has more than 8388608 bytes", e.Message);
    }

    /// <summary>Images and key go to the server that was named.</summary>
    [TestMethod]
    public async Task Where_a_server_leads_on_to_is_said_and_not_gone_to()
    {
        using var other = new CaptionServer();
        _server.Spoil = (_, _) => ("307 Temporary Redirect", $"Location: {other.Address}/chat/completions\r\n", "");
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() => Job().RunAsync([Item()]));
        Assert.Contains($"leads on to {other.Address}/chat/completions; name that address", e.Message);
        Assert.IsEmpty(other.Seen);
    }

    [TestMethod]
    public async Task Control_characters_are_no_part_of_a_text() =>
        Assert.AreEqual("a cat   [31m on a sofa", (await Ask(CaptionServer.Answer("a cat \u0000\u001b[31m on a sofa"))).Texts.Single());

    [TestMethod]
    [DataRow("")]
    [DataRow("sk-one\nsk-two")]
    [DataRow("sk-é")]
    public void A_key_that_is_none_is_refused_and_not_repeated(string key)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => ChatCaptioner.Connect(_server.Address, "eyes", key));
        Assert.Contains("key is empty or has blanks or letters that no key has", e.Message);
        Assert.DoesNotContain("sk-", e.Message);
    }

    [TestMethod]
    public void An_address_with_a_password_is_refused_and_not_repeated()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => ChatCaptioner.Connect(new Uri("http://me:hidden@localhost/v1"), "eyes"));
        Assert.DoesNotContain("hidden", e.Message);
        var choice = new CaptionerChoice { Server = "http://me:hidden@localhost/v1", Model = "eyes" };
        Assert.DoesNotContain("hidden", Assert.ThrowsExactly<FormatException>(choice.Check).Message);
    }

    [TestMethod]
    public async Task Why_a_caption_is_left_out_is_said_in_the_server_s_words()
    {
        _server.SpoilWords = _ => ("400 Bad Request", "", """{ "error": { "message": "context too short" } }""");
        var options = new WriteCaptionsOptions
        {
            Nouns = new() { ClassNames = ["cat", "dog"] },
            Count = 1,
            MostClasses = 1,
            Attempts = 1,
            WorkFolder = _folder,
        };
        var e = await Assert.ThrowsExactlyAsync<CaptionException>(() =>
            new CaptionWriter(ChatCaptioner.Connect(_server.Address, "words"), options).RunAsync()
        );
        Assert.Contains("caption 1: HTTP 400: context too short", e.Message);
    }

    private Task<CaptionResult> Ask(string body, string status = "200 OK")
    {
        var answer = body.Replace("TEXT", Text, StringComparison.Ordinal);
        _server.Spoil = (_, _) => (status, "", answer);
        return Job().RunAsync([Item()]);
    }

    private CaptionJob Job() =>
        new(
            ChatCaptioner.Connect(_server.Address, "eyes", Key),
            new CaptionJobOptions
            {
                Folder = _folder,
                Retries = 1,
                Time = new InstantTime(),
            }
        );

    private static CaptionItem Item() =>
        new(new CaptionRequest("picture", CaptionKind.Image, "what?", () => new RgbImage(2, 2, new byte[12])), "content");
}
