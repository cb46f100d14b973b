using AirMLNet.Hub;
using AirMLNet.Options;

namespace AirMLNet.Tests.Hub;

[TestClass]
public sealed class ModelDownloadTests : HubServerTests
{
    [TestMethod]
    public async Task Takes_weights_and_texts_and_leaves_the_rest()
    {
        using var server = Server().With("pytorch_model.bin", [1]).With("run.py", [2]).With("sub/vocab.txt", "a"u8.ToArray());

        var files = await Pull(server);

        CollectionAssert.AreEquivalent(new[] { "config.json", Weights, "sub/vocab.txt" }, files.ToArray());
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
        Assert.HasCount(3, Directory.GetFiles(Model, "*", SearchOption.AllDirectories));
        var asked = server.Seen.Count;
        await Pull(server);
        Assert.HasCount(asked + 1, server.Seen, "a second run asks for the list only");
    }

    [TestMethod]
    public async Task A_cut_connection_is_gone_on_from()
    {
        using var server = Server();
        var cuts = 0;
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith(Weights, StringComparison.Ordinal) || ++cuts > 3)
            {
                return false;
            }

            var rest = Large[(int)request.From..];
            await MisbehavingServer.HeadAsync(
                stream,
                request.From > 0 ? "206 Partial Content" : "200 OK",
                $"Content-Length: {rest.Length}\r\nContent-Range: bytes {request.From}-{Large.Length - 1}/{Large.Length}\r\n",
                cancellation
            );
            await stream.WriteAsync(rest.AsMemory(0, 50_000), cancellation);
            return true; // and the connection closes
        };

        await Pull(server);

        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
        var from = server.Downloads(Weights).Select(r => r.From).ToArray();
        Assert.AreEqual(0, from[0]);
        Assert.IsTrue(from.Skip(1).All(f => f > 0), string.Join(", ", from));
        Assert.IsEmpty(Waits);
    }

    [TestMethod]
    public async Task The_next_run_goes_on_from_what_an_interruption_left()
    {
        using var server = Server();
        Directory.CreateDirectory(Model);
        File.WriteAllBytes(Path.Combine(Model, Weights + ".part"), Large[..123_456]);

        await Pull(server);

        Assert.AreEqual(123_456, server.Downloads(Weights).Single().From);
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
        Assert.IsFalse(File.Exists(Path.Combine(Model, Weights + ".part")));
    }

    [TestMethod]
    public async Task A_damaged_part_is_fetched_anew()
    {
        using var server = Server();
        Directory.CreateDirectory(Model);
        File.WriteAllBytes(Path.Combine(Model, Weights + ".part"), new byte[1000]);

        await Pull(server);

        CollectionAssert.AreEqual(new long[] { 1000, 0 }, server.Downloads(Weights).Select(r => r.From).ToArray());
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task Content_with_another_hash_is_refused_and_thrown_away()
    {
        using var server = Server();
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith(Weights, StringComparison.Ordinal))
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(stream, "200 OK", $"Content-Length: {Large.Length}\r\n", cancellation);
            await stream.WriteAsync(new byte[Large.Length], cancellation);
            return true;
        };

        var e = await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server));

        Assert.Contains("owner/model/" + Weights, e.Message);
        Assert.Contains("hash", e.Message);
        Assert.IsEmpty(Directory.GetFiles(Model, Weights + "*"));
    }

    [TestMethod]
    public async Task A_server_that_ignores_ranges_starts_the_file_over()
    {
        using var server = Server();
        Directory.CreateDirectory(Model);
        File.WriteAllBytes(Path.Combine(Model, Weights + ".part"), Large[..1000]);
        server.Spoil = async (request, stream, _) =>
        {
            if (!request.Path.EndsWith(Weights, StringComparison.Ordinal))
            {
                return false;
            }

            await server.HonestAsync(request with { From = 0 }, stream);
            return true;
        };

        await Pull(server);

        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task Too_many_requestsWaits_as_long_as_the_server_asks()
    {
        using var server = Server();
        var refusals = 0;
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (++refusals > 2)
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(stream, "429 Too Many Requests", "Retry-After: 17\r\nContent-Length: 0\r\n", cancellation);
            return true;
        };

        await Pull(server);

        CollectionAssert.AreEqual(new[] { TimeSpan.FromSeconds(17), TimeSpan.FromSeconds(17) }, Waits);
    }

    [TestMethod]
    public async Task A_broken_server_is_given_up_after_growingWaits()
    {
        using var server = Server();
        server.Spoil = async (_, stream, cancellation) =>
        {
            await MisbehavingServer.HeadAsync(stream, "503 Service Unavailable", "Content-Length: 0\r\n", cancellation);
            return true;
        };

        var e = await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server, o => o with { Attempts = 4 }));

        Assert.Contains("given up after 4 attempts: the server answers 503", e.Message);
        CollectionAssert.AreEqual(new[] { 1.0, 2, 4 }, Waits.Select(w => w.TotalSeconds).ToArray());
    }

    [TestMethod]
    public async Task A_connection_on_which_nothing_comes_is_opened_again()
    {
        using var server = Server();
        var stalled = false;
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (stalled || !request.Path.EndsWith(Weights, StringComparison.Ordinal))
            {
                return false;
            }

            stalled = true;
            await MisbehavingServer.HeadAsync(stream, "200 OK", $"Content-Length: {Large.Length}\r\n", cancellation);
            await stream.WriteAsync(Large.AsMemory(0, 1000), cancellation);
            await Task.Delay(Timeout.Infinite, cancellation); // until the test is over
            return true;
        };

        await Pull(server, o => o with { Patience = TimeSpan.FromMilliseconds(500) });

        CollectionAssert.AreEqual(new long[] { 0, 1000 }, server.Downloads(Weights).Select(r => r.From).ToArray());
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task Bytes_one_at_a_time_are_still_bytes()
    {
        using var server = Server().With("config.json", "{\"a\":1}"u8.ToArray());
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith("config.json", StringComparison.Ordinal))
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(stream, "200 OK", "Content-Length: 7\r\n", cancellation);
            foreach (var b in "{\"a\":1}"u8.ToArray())
            {
                await stream.WriteAsync(new[] { b }, cancellation);
                await stream.FlushAsync(cancellation);
            }
            return true;
        };

        await Pull(server);

        Assert.AreEqual("{\"a\":1}", File.ReadAllText(Path.Combine(Model, "config.json")));
    }

    [TestMethod]
    public async Task The_token_goes_to_the_server_and_not_to_where_it_redirects()
    {
        using var server = Server();
        using var store = Server();
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith(Weights, StringComparison.Ordinal))
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(
                stream,
                "302 Found",
                $"Location: {store.Address.AbsoluteUri.TrimEnd('/')}{request.Path}\r\nContent-Length: 0\r\n",
                cancellation
            );
            return true;
        };

        await Pull(server, o => o with { Token = "secret" });

        Assert.IsTrue(server.Seen.All(r => r.Authorization == "Bearer secret"));
        Assert.IsNull(store.Seen.Single().Authorization);
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task A_proxy_gets_the_requests()
    {
        using var proxy = Server();
        await ModelDownload.RunAsync("owner/model", Model, Options(new Uri("http://model.invalid")) with { Proxy = proxy.Address });
        Assert.IsTrue(proxy.Seen.All(r => r.Path.StartsWith("http://model.invalid/", StringComparison.Ordinal)));
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    public async Task A_disk_without_room_is_noticed_before_anything_is_written()
    {
        using var server = Server();

        var e = await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server, o => o with { FreeSpace = _ => 1000 }));

        Assert.Contains("needs 0.3 MB more", e.Message);
        Assert.IsEmpty(Directory.GetFiles(Model));
        Assert.IsEmpty(server.Downloads(Weights));
    }

    [TestMethod]
    public async Task Sizes_whose_sum_is_beyond_64_bits_do_not_fit_on_the_disk()
    {
        using var server = Server();
        server.Listing =
            """{ "siblings": [ { "rfilename": "a.safetensors", "size": 9223372036854775807 }, { "rfilename": "b.json", "size": 9223372036854775807 } ] }""";

        Assert.Contains("MB more in", (await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server))).Message);
        Assert.IsEmpty(Directory.GetFiles(Model));
    }

    [TestMethod]
    [DataRow("401 Unauthorized", "HF_TOKEN")]
    [DataRow("404 Not Found", "revision 'main'")]
    public async Task Refusals_say_what_to_do(string status, string expected)
    {
        using var server = Server();
        server.Spoil = async (_, stream, cancellation) =>
        {
            await MisbehavingServer.HeadAsync(stream, status, "Content-Length: 0\r\n", cancellation);
            return true;
        };

        var e = await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server));

        Assert.Contains("owner/model", e.Message);
        Assert.Contains(expected, e.Message);
        Assert.IsEmpty(Waits);
    }

    [TestMethod]
    [DataRow("""{ "siblings": [ { "rfilename": "../evil.safetensors" } ] }""", "outside the folder")]
    [DataRow("""{ "siblings": [ { "rfilename": "/etc/evil.json" } ] }""", "outside the folder")]
    [DataRow("""{ "siblings": [ { "rfilename": "pytorch_model.bin" } ] }""", "no safetensors")]
    [DataRow("""{ "files": [] }""", "unknown form")]
    [DataRow("<html>", "other than JSON")]
    public async Task Strange_listings_are_refused(string listing, string expected)
    {
        using var server = Server();
        server.Listing = listing;
        Assert.Contains(expected, (await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server))).Message);
        Assert.IsFalse(Directory.Exists(Model));
    }

    [TestMethod]
    public async Task Cancelling_keeps_what_came_and_gives_no_file_its_name()
    {
        using var server = Server();
        using var source = new CancellationTokenSource();
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith(Weights, StringComparison.Ordinal))
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(stream, "200 OK", $"Content-Length: {Large.Length}\r\n", cancellation);
            await stream.WriteAsync(Large.AsMemory(0, 1000), cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
            return true;
        };

        await Assert.ThrowsAsync<OperationCanceledException>(() =>
            Pull(
                server,
                o =>
                    o with
                    {
                        CancellationToken = source.Token,
                        Progress = new DirectProgress(p =>
                        {
                            if (p.Activity == Weights)
                            {
                                source.Cancel();
                            }
                        }),
                    }
            )
        );

        Assert.IsFalse(File.Exists(Path.Combine(Model, Weights)));
        Assert.AreEqual(1000, new FileInfo(Path.Combine(Model, Weights + ".part")).Length);
    }

    [TestMethod]
    [DataRow("clip")]
    [DataRow("a/b/c")]
    [DataRow("../x")]
    [DataRow("a/b?x")]
    public async Task A_name_of_another_form_is_refused(string name) =>
        Assert.Contains(
            "expected owner/name",
            (await Assert.ThrowsExactlyAsync<ArgumentException>(() => ModelDownload.RunAsync(name, Model))).Message
        );

    [TestMethod]
    public void Options_check_themselves()
    {
        Assert.Contains(
            "Endpoint = ftp://x",
            Assert.ThrowsExactly<ArgumentException>(() => new HubOptions { Endpoint = new Uri("ftp://x") }).Message
        );
        Assert.Contains("Attempts = 0; expected 1..100", Assert.Throws<ArgumentException>(() => new HubOptions { Attempts = 0 }).Message);
    }

    /// <summary>Each beginning gains bytes, and the end is never there (found by eng/fuzz.sh).</summary>
    [TestMethod]
    public async Task A_file_shorter_than_its_stated_size_is_given_up()
    {
        using var server = Server();
        server.Listing = server.HonestListing.Replace(
            $"\"size\": {Large.Length}",
            $"\"size\": {Large.Length + 1}",
            StringComparison.Ordinal
        );
        var e = await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server));
        Assert.Contains("given up after 6 attempts", e.Message);
        Assert.HasCount(7, server.Downloads(Weights).ToArray());
    }
}
