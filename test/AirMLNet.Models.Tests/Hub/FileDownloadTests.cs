using System.Text;
using AirMLNet.Files;

namespace AirMLNet.Tests.Hub;

[TestClass]
public sealed class FileDownloadTests : HubServerTests
{
    private const string Page = "\n<!DOCTYPE html><html><body>Please log in</body></html>";
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 300000\n";

    [TestMethod]
    [DataRow("config.json", Page, "a web page", true)]
    [DataRow("config.json", Page, "a web page", false)]
    [DataRow(Weights, Pointer, "a pointer of Git LFS", true)]
    [DataRow(Weights, Pointer, "a pointer of Git LFS", false)]
    public async Task What_servers_send_in_the_place_of_a_file_is_named_at_once(string file, string body, string kind, bool hashes)
    {
        using var server = Server();
        if (!hashes)
        {
            StateNothing(server);
        }

        Answer(server, file, "200 OK", $"Content-Length: {body.Length}\r\n", Encoding.ASCII.GetBytes(body));

        Assert.Contains($"owner/model/{file}: the server sends {kind} in the place of the file", await Refused(server));
        Assert.IsEmpty(Waits);
        Assert.IsEmpty(Directory.GetFiles(Model, file + "*"));
    }

    [TestMethod]
    [DataRow("204 No Content", "", "the server answers 204")]
    [DataRow("200 OK", "Content-Encoding: gzip\r\n", "sends it packed (gzip)")]
    public async Task Answers_without_the_file_as_it_is_are_no_file(string status, string headers, string expected)
    {
        using var server = Server();
        StateNothing(server);
        Answer(server, "config.json", status, headers, []);
        Assert.Contains(expected, await Refused(server));
        Assert.IsEmpty(Directory.GetFiles(Model));
    }

    [TestMethod]
    public async Task Where_a_server_states_no_hash_weights_must_be_whole_weights()
    {
        using var server = Server();
        StateNothing(server);
        Assert.Contains("sends no whole safetensors file", await Refused(server));
        Assert.IsEmpty(Directory.GetFiles(Model, Weights + "*"));

        var whole = Safe(1);
        server.With(Weights, whole);
        await Pull(server);
        CollectionAssert.AreEqual(whole, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task Weights_of_no_stated_size_at_all_are_refused()
    {
        using var server = Server();
        StateNothing(server);
        Answer(server, Weights, "200 OK", "", Safe(1)); // the end of the connection is the end of the file, or not
        Assert.Contains("neither size nor hash", await Refused(server));
    }

    /// <summary>Two halves of two files have no hash that would tell.</summary>
    [TestMethod]
    public async Task Without_a_hash_a_file_that_changes_meanwhile_begins_anew()
    {
        using var server = Server();
        StateNothing(server);
        byte[] first = Safe(1),
            second = Safe(2);
        var requests = 0;
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith(Weights, StringComparison.Ordinal))
            {
                return false;
            }

            var (content, from) = (++requests == 1 ? first : second, (int)request.From);
            var range = from > 0 ? $"Content-Range: bytes {from}-{content.Length - 1}/{content.Length}\r\n" : "";
            await MisbehavingServer.HeadAsync(
                stream,
                from > 0 ? "206 Partial Content" : "200 OK",
                $"ETag: \"{(requests == 1 ? 1 : 2)}\"\r\nContent-Length: {content.Length - from}\r\n{range}",
                cancellation
            );
            await stream.WriteAsync(requests == 1 ? content.AsMemory(0, 500) : content.AsMemory(from), cancellation);
            return true;
        };

        await Pull(server);

        CollectionAssert.AreEqual(second, File.ReadAllBytes(Path.Combine(Model, Weights)));
        CollectionAssert.AreEqual(new long[] { 0, 500, 0 }, server.Downloads(Weights).Select(r => r.From).ToArray());
    }

    [TestMethod]
    public async Task Without_a_hash_what_an_earlier_run_left_is_not_gone_on_from()
    {
        using var server = Server().With(Weights, Safe(1));
        StateNothing(server);
        Directory.CreateDirectory(Model);
        File.WriteAllBytes(Path.Combine(Model, Weights + ".part"), Safe(2)[..500]);

        await Pull(server);

        CollectionAssert.AreEqual(Safe(1), File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task More_than_is_stated_leaves_nothing()
    {
        using var server = Server();
        Answer(server, "config.json", "200 OK", "Content-Length: 9\r\n", "{\"a\": 12}"u8.ToArray());
        Assert.Contains("more than the 2 bytes", await Refused(server));
        Assert.IsEmpty(Directory.GetFiles(Model));
    }

    [TestMethod]
    public async Task What_fails_on_the_disk_is_said_at_once()
    {
        using var server = Server();
        Directory.CreateDirectory(Path.Combine(Model, "config.json"));
        Assert.Contains("config.json cannot be written: a folder has that name", await Refused(server));
        Assert.IsEmpty(Waits);

        Directory.Delete(Path.Combine(Model, "config.json"));
        Directory.CreateDirectory(Path.Combine(Model, Weights + ".part"));
        Assert.Contains("cannot be written: a folder has that name", await Refused(server));
        Assert.IsEmpty(Waits);
    }

    /// <summary>A device that is always full stands for a disk that becomes so.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public async Task A_disk_that_becomes_full_is_said_at_once()
    {
        using var server = Server();
        Directory.CreateDirectory(Model);
        File.CreateSymbolicLink(Path.Combine(Model, Weights + ".part"), "/dev/full");
        Assert.Contains(Weights + ".part cannot be written: No space left", await Refused(server));
        Assert.IsEmpty(Waits);
    }

    [TestMethod]
    public async Task A_folder_that_is_a_file_is_said()
    {
        using var server = Server();
        File.WriteAllText(Model, "");
        Assert.Contains($"owner/model: the folder {Model} cannot be made", await Refused(server));
    }

    [TestMethod]
    public async Task A_second_download_into_a_folder_waits_for_the_first_and_takes_what_it_brought()
    {
        using var server = Server();
        var first = FolderLock.Take(Path.Combine(Model, "download"));
        var waits = 0;

        await Pull(
            server,
            o =>
                o with
                {
                    Wait = (_, _) =>
                    {
                        if (++waits == 2)
                        {
                            File.WriteAllBytes(Path.Combine(Model, Weights), Large);
                            File.WriteAllText(Path.Combine(Model, "config.json"), "{}");
                            first.Dispose();
                        }
                        return Task.CompletedTask;
                    },
                }
        );

        Assert.AreEqual(2, waits);
        Assert.IsEmpty(server.Downloads(Weights));
        Assert.HasCount(2, Directory.GetFiles(Model));
    }

    /// <summary>A small file of weights, with a number throughout.</summary>
    private static byte[] Safe(byte number)
    {
        var header = """{"x":{"dtype":"U8","shape":[1000],"data_offsets":[0,1000]}}"""u8;
        return [(byte)header.Length, 0, 0, 0, 0, 0, 0, 0, .. header, .. Enumerable.Repeat(number, 1000)];
    }
}
