using System.Text;
using AirMLNet.Captions;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Fuzzing;

/// <summary>
/// Damaged answers of a server that describes images are read, or end in <see cref="CaptionException"/> that names the image; an answer
/// that is no answer is never fatal at once (eng/fuzz.sh; docs/fuzz.md).
/// </summary>
[TestClass]
public sealed class CaptionAnswerFuzzTests
{
    private readonly TemporaryFolder _folder = new();
    private readonly CaptionServer _server = new() { Remembers = false };

    public TestContext TestContext { get; set; } = null!;

    [TestCleanup]
    public void Delete()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    public void CaptionerAnswers_are_read_or_refused()
    {
        var mutator = new StructuredMutator(15);
        var image = new RgbImage(2, 2, new byte[12]);
        var seed = Encoding.UTF8.GetBytes(CaptionServer.Answer("a cat on a mat"));
        var captioner = ChatCaptioner.Connect(_server.Address, "eyes");
        var (body, status, headers) = ("", "", "");
        _server.Spoil = (_, _) => (status, headers, body);
        var line = FuzzRun.Run(
            "captioner",
            () =>
            {
                var damaged = mutator.Json(seed);
                body = Encoding.Latin1.GetString(damaged); // bytes are bytes: the server writes them as UTF-8 of other characters
                status = mutator.Once(6) ? mutator.Pick(["400 X", "404 X", "429 X", "503 X", "204 No Content", "999 ?", ""]) : "200 OK";
                headers = mutator.Once(6)
                    ? mutator.Pick([
                        "Retry-After: x\r\n",
                        "Retry-After: 1e9\r\n",
                        "Content-Encoding: gzip\r\n",
                        "X: \u0001\r\n",
                        "no header\r\n",
                    ])
                    : "";
                return damaged;
            },
            _ =>
            {
                var job = new CaptionJob(
                    captioner,
                    new CaptionJobOptions
                    {
                        Folder = _folder,
                        Retries = 1,
                        Time = new InstantTime(),
                    }
                );
                try
                {
                    var items = new CaptionItem(
                        new CaptionRequest("photo", CaptionKind.Image, "what?", () => image),
                        Guid.NewGuid().ToString()
                    );
                    var result = job.RunAsync([items]).GetAwaiter().GetResult();
                    return result.Missing.Count == 0;
                }
                catch (CaptionException e)
                {
                    var again = e.Message.Contains("in 2 attempts", StringComparison.Ordinal);
                    return e.Message.StartsWith("photo could not be described", StringComparison.Ordinal) && (again || status != "200 OK")
                        ? false
                        : throw new InvalidOperationException($"given up at once, or without a name: {e.Message}", e);
                }
            }
        );
        TestContext.WriteLine(line);
        Assert.Contains(" read, ", line);
    }
}
