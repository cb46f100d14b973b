using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Samples.Tests;

/// <summary>PhotoService as a user runs it, on the loopback, asked by real clients.</summary>
[TestClass]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)] // signals
public sealed class PhotoServiceTests
{
    private const int MaxBytes = 100_000;
    private static SampleModel _model = null!;
    private static SampleProcess _service = null!;
    private static Uri _address = null!;

    [ClassInitialize]
    public static async Task Start(TestContext _)
    {
        _model = new SampleModel();
        _service = SampleProcess.Start(
            "PhotoService",
            "--Model",
            _model.Zip,
            "--urls",
            "http://127.0.0.1:0",
            "--MaxBytes",
            $"{MaxBytes}",
            "--MaxMegapixels",
            "1"
        );
        const string listening = "Now listening on: ";
        var line = await _service.Line(listening);
        _address = new Uri(line[(line.IndexOf(listening, StringComparison.Ordinal) + listening.Length)..].Trim());
    }

    [ClassCleanup]
    public static async Task End()
    {
        Assert.AreEqual(0, await _service.Stop());
        _service.Dispose();
        _model.Dispose();
    }

    [TestMethod]
    public async Task EightClients_GetEveryAnswerRight()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(Client));

        static async Task Client(int number)
        {
            using var client = NewClient();
            for (var i = 0; i < _model.Photos.Length; i++)
            {
                // Each client begins with another photo, and sends forms and bare bytes in turn.
                var photo = (i + 3 * number) % _model.Photos.Length;
                using HttpContent content =
                    (i + number) % 2 == 0 ? Bytes(File.ReadAllBytes(_model.Photos[photo])) : Form(_model.Photos[photo]);
                await AssertNames(photo, await client.PostAsync("classify", content));
            }
        }
    }

    [TestMethod]
    public async Task ClientsThatGoAway_LeaveTheOthersTheirAnswers()
    {
        using var client = NewClient();
        var photo = await File.ReadAllBytesAsync(_model.Photos[6]);
        using var away = new CancellationTokenSource();
        // The service waits for the rest of these, which never comes.
        var stalled = Enumerable.Range(0, 10).Select(_ => client.PostAsync("classify", new Unfinished(photo), away.Token)).ToArray();
        var others = Enumerable.Range(0, 20).Select(_ => client.PostAsync("classify", Bytes(photo))).ToArray();
        foreach (var other in others)
        {
            await AssertNames(6, await other);
        }

        await away.CancelAsync();
        foreach (var request in stalled)
        {
            await Assert.ThrowsAsync<OperationCanceledException>(() => request);
        }

        for (var i = 0; i < stalled.Length; i++)
        {
            await _service.Line("A client went away");
        }

        await AssertNames(6, await client.PostAsync("classify", Bytes(photo)));
    }

    /// <summary>Cancelled at any moment: before the photo is sent, while it waits, or while it is classified.</summary>
    [TestMethod]
    public async Task RequestsCancelledAtAnyMoment_HarmNoOther()
    {
        using var client = NewClient();
        var photo = await File.ReadAllBytesAsync(_model.Photos[8]);
        var requests = Enumerable
            .Range(0, 120)
            .Select(i =>
            {
                var away = new CancellationTokenSource();
                if (i % 3 != 0)
                {
                    away.CancelAfter(TimeSpan.FromMilliseconds(i % 40));
                }

                return (Lasting: i % 3 == 0, Task: client.PostAsync("classify", Bytes(photo), away.Token));
            })
            .ToArray();
        var cancelled = 0;
        foreach (var (lasting, task) in requests)
        {
            try
            {
                await AssertNames(8, await task);
            }
            catch (OperationCanceledException) when (!lasting)
            {
                cancelled++;
            }
        }

        Assert.IsGreaterThan(0, cancelled);
    }

    [TestMethod]
    [DataRow("image/png", MaxBytes + 1, DisplayName = "a little too large")]
    [DataRow("image/png", 3 * MaxBytes, DisplayName = "far too large")]
    [DataRow("form", MaxBytes + 1, DisplayName = "a form, a little too large")]
    [DataRow("form", 3 * MaxBytes, DisplayName = "a form, far too large")]
    [DataRow("chunks", 3 * MaxBytes, DisplayName = "without a length")]
    public async Task TooManyBytes_Are413(string kind, int size)
    {
        using var client = NewClient();
        var bytes = new byte[size];
        // Often: an answer that comes while the client still sends must not be lost with the connection.
        for (var i = 0; i < 50; i++)
        {
            using HttpContent content = kind switch
            {
                "form" => Form(bytes, "large.png"),
                "chunks" => new Chunked(bytes),
                _ => Bytes(bytes),
            };
            await AssertProblem(413, $"at most {MaxBytes} bytes", await client.PostAsync("classify", content));
        }
    }

    [TestMethod]
    public async Task TooManyPixels_Are422_BeforeTheyTakeMemory()
    {
        using var client = NewClient();
        using var folder = new TemporaryFolder();
        ImageFile.SavePng(folder["large.png"], new RgbImage(4000, 3000, new byte[36_000_000]));
        var bytes = await File.ReadAllBytesAsync(folder["large.png"]);
        Assert.IsLessThan(MaxBytes, bytes.Length);
        await AssertProblem(
            422,
            "the photo: 4000 x 3000 pixels; at most 1 megapixels are read.",
            await client.PostAsync("classify", Bytes(bytes))
        );
    }

    [TestMethod]
    public async Task WhatIsNoPhoto_IsRefusedWithTheReason()
    {
        using var client = NewClient();
        var reason = Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode("no"u8, "the photo")).Message;
        await AssertProblem(422, reason, await client.PostAsync("classify", Bytes("no"u8.ToArray())));
        await AssertProblem(422, "holiday.png: ", await client.PostAsync("classify", Form([1, 2, 3], "../holiday.png")));
        var whole = await File.ReadAllBytesAsync(_model.Photos[0]);
        await AssertProblem(422, "the photo: ", await client.PostAsync("classify", Bytes(whole[..(whole.Length / 2)])));
        await AssertProblem(422, "the photo: ", await client.PostAsync("classify", Bytes([])));

        await AssertProblem(415, "'image/jpeg'", await client.PostAsync("classify", new StringContent("text")));
        await AssertProblem(415, "'image/jpeg'", await client.PostAsync("classify", new FormUrlEncodedContent([])));
        await AssertProblem(415, "'image/jpeg'", await client.PostAsync("classify", null));
        using var two = Form(_model.Photos[0]);
        two.Add(Bytes(whole), "photo", "second.png");
        await AssertProblem(415, "one file", await client.PostAsync("classify", two));
        using var torn = new ByteArrayContent(
            Encoding.ASCII.GetBytes("--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n")
        );
        torn.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x");
        await AssertProblem(400, "", await client.PostAsync("classify", torn));

        await AssertProblem(405, "", await client.GetAsync("classify"));
        await AssertProblem(404, "", await client.GetAsync("photos"));
    }

    [TestMethod]
    public async Task TheHealthCheck_ClassifiesAPhotoOfItsOwn()
    {
        using var client = NewClient();
        using var response = await client.GetAsync("health");
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode);
        Assert.AreEqual("Healthy", await response.Content.ReadAsStringAsync());
    }

    [TestMethod]
    [DataRow("--Model names no file")]
    [DataRow("There is no model 'no.zip'; 'airml adapt' writes one.", "--Model", "no.zip")]
    [DataRow("Engines = 0; expected 1..1024.", "--Model", "no.zip", "--Engines", "0")]
    [DataRow("'many'", "--Model", "no.zip", "--Engines", "many")]
    public async Task WhatCannotBeServed_IsOneLine(string part, params string[] arguments)
    {
        using var service = SampleProcess.Start("PhotoService", arguments);
        Assert.AreEqual(1, await service.ExitCode());
        var (output, errors) = await service.Rest();
        Assert.IsEmpty(output);
        Assert.StartsWith("PhotoService: ", errors.Single());
        Assert.Contains(part, errors.Single());
    }

    private static HttpClient NewClient() => new() { BaseAddress = _address, Timeout = TimeSpan.FromMinutes(2) };

    private static ByteArrayContent Bytes(byte[] photo) => new(photo) { Headers = { ContentType = new MediaTypeHeaderValue("image/png") } };

    private static MultipartFormDataContent Form(string file) => Form(File.ReadAllBytes(file), Path.GetFileName(file));

    private static MultipartFormDataContent Form(byte[] photo, string name) => new() { { Bytes(photo), "photo", name } };

    private static async Task AssertNames(int photo, HttpResponseMessage response)
    {
        using (response)
        {
            Assert.AreEqual(HttpStatusCode.OK, response.StatusCode, await response.Content.ReadAsStringAsync());
            var answer = (await response.Content.ReadFromJsonAsync<Answer>())!;
            var expected = _model.Classes[photo].Take(3).ToArray();
            Assert.AreEqual(string.Join(' ', expected.Select(c => c.Name)), string.Join(' ', answer.Classes.Select(c => c.Name)));
            foreach (var (right, given) in expected.Zip(answer.Classes))
            {
                Assert.AreEqual(right.Score, given.Score, 1e-5f);
            }
        }
    }

    private static async Task AssertProblem(int status, string part, HttpResponseMessage response)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            Assert.AreEqual(status, (int)response.StatusCode, text);
            Assert.AreEqual("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            var problem = JsonDocument.Parse(text).RootElement;
            Assert.AreEqual(status, problem.GetProperty("status").GetInt32());
            Assert.IsNotEmpty(problem.GetProperty("title").GetString()!);
            Assert.Contains(part, problem.TryGetProperty("detail", out var detail) ? detail.GetString()! : "");
        }
    }

    private sealed record Answer(Class[] Classes);

    private sealed record Class(string Name, float Score);

    /// <summary>Half a photo, of which the rest never comes.</summary>
    private sealed class Unfinished : HttpContent
    {
        private readonly byte[] _photo;

        public Unfinished(byte[] photo)
        {
            _photo = photo;
            Headers.ContentType = new MediaTypeHeaderValue("image/png");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(_photo.AsMemory(0, _photo.Length / 2), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _photo.Length;
            return true;
        }
    }

    /// <summary>Bytes whose number is not told beforehand.</summary>
    private sealed class Chunked : HttpContent
    {
        private readonly byte[] _bytes;

        public Chunked(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new MediaTypeHeaderValue("image/png");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(_bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
