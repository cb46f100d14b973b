using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AirMLNet.Hub;
using AirMLNet.Options;

namespace AirMLNet.Tests.Hub;

[TestClass]
public sealed class HubConnectionTests : HubServerTests
{
    private const string Secret = "hf_secret";

    /// <summary>Hubs lead on to themselves: from former names of repositories, and to where small files are kept.</summary>
    [TestMethod]
    public async Task The_token_goes_on_where_a_server_leads_on_to_itself()
    {
        using var server = Server();
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (request.Authorization != $"Bearer {Secret}")
            {
                await MisbehavingServer.HeadAsync(stream, "401 Unauthorized", "Content-Length: 0\r\n", cancellation);
                return true;
            }

            if (request.Path.Contains("/moved/", StringComparison.Ordinal) || !request.Path.Contains("/owner/", StringComparison.Ordinal))
            {
                return false;
            }

            var to = "/moved" + request.Path;
            await MisbehavingServer.HeadAsync(stream, "307 X", $"Location: {to}\r\nContent-Length: 0\r\n", cancellation);
            return true;
        };

        await Pull(server, o => o with { Token = Secret });

        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    [TestMethod]
    [DataRow("file:///etc/passwd", "without an address to go on to")]
    [DataRow("", "without an address to go on to")]
    [DataRow("http://[", "without an address to go on to")]
    [DataRow("/api/again", "leads on more than 10 times")]
    public async Task Redirects_that_lead_nowhere_are_refused(string to, string expected)
    {
        using var server = Server();
        Answer(server, "", "302 Found", $"Location: {to}\r\nContent-Length: 0\r\n", []);
        var message = await Refused(server);
        Assert.Contains("owner/model: 127.0.0.1:", message);
        Assert.Contains(expected, message);
    }

    [TestMethod]
    public async Task Another_server_that_refuses_is_named_and_not_the_token_blamed()
    {
        using var server = Server();
        using var store = Server();
        Answer(server, Weights, "302 Found", $"Location: {store.Address}x?signature=abc\r\nContent-Length: 0\r\n", []);
        Answer(store, "", "403 Forbidden", "Content-Length: 0\r\n", []);
        var message = await Refused(server, o => o with { Token = Secret });
        Assert.Contains($"{store.Address.Authority}, which {server.Address} leads on to, answers 403", message);
        Assert.DoesNotContain("signature", message);
        Assert.IsTrue(store.Seen.All(r => r.Authorization is null));
    }

    [TestMethod]
    public async Task A_connection_that_ends_names_the_server()
    {
        using var server = Server();
        server.Spoil = (_, _, _) => Task.FromResult(true); // and the connection closes
        Assert.Contains($"The response ended prematurely. (ResponseEnded) ({server.Address.Authority})", await Refused(server));
    }

    [TestMethod]
    public async Task A_certificate_that_is_not_trusted_is_said_at_once()
    {
        using var key = RSA.Create(2048);
        using var made = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(
            new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2049, 1, 1, 0, 0, 0, TimeSpan.Zero)
        );
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync();
            await using var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsServerAsync(certificate);
            _ = await stream.ReadAsync(new byte[1]);
        });
        var endpoint = new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        var e = await Assert.ThrowsExactlyAsync<HubException>(() => ModelDownload.RunAsync("owner/model", Model, Options(endpoint)));

        Assert.Contains($"owner/model: {endpoint} is not to be trusted: ", e.Message);
        Assert.Contains("certificate", e.Message);
        Assert.IsEmpty(Waits);
        await Task.WhenAny(answering);
    }

    [TestMethod]
    public async Task A_proxy_gets_the_name_and_password_of_its_address()
    {
        using var proxy = Server();
        proxy.Spoil = async (request, stream, cancellation) =>
        {
            if (request.Proxy == "Basic " + Convert.ToBase64String("me:pass word"u8))
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(
                stream,
                "407 Proxy Authentication Required",
                "Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n",
                cancellation
            );
            return true;
        };
        var options = Options(new Uri("http://model.invalid"));

        var e = await Assert.ThrowsExactlyAsync<HubException>(() =>
            ModelDownload.RunAsync("owner/model", Model, options with { Proxy = proxy.Address })
        );
        Assert.Contains("the proxy wants a name and a password", e.Message);

        var known = new UriBuilder(proxy.Address) { UserName = "me", Password = "pass%20word" }.Uri;
        await ModelDownload.RunAsync("owner/model", Model, options with { Proxy = known });
        CollectionAssert.AreEqual(Large, File.ReadAllBytes(Path.Combine(Model, Weights)));
    }

    /// <summary>Options are logged, kept and shown; neither token nor password is to be in it.</summary>
    [TestMethod]
    public void Options_show_no_secrets()
    {
        var options = new HubOptions { Token = Secret, Proxy = new Uri("http://me:password@proxy:1") };
        Assert.DoesNotContain(Secret, options.ToString());
        Assert.DoesNotContain("password", options.ToString());
        var json = System.Text.Json.JsonSerializer.Serialize(options, OptionsJson.Settings);
        Assert.DoesNotContain(Secret, json);
        Assert.DoesNotContain("password", json);
    }

    [TestMethod]
    [DataRow("http://me:hidden@host", "use a token")]
    [DataRow("http://host/?key=hidden", "expected the address alone")]
    [DataRow("http://host/#hidden", "expected the address alone")]
    public void An_endpoint_with_more_than_a_place_is_refused_and_not_repeated(string address, string expected)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => new HubOptions { Endpoint = new Uri(address) });
        Assert.Contains(expected, e.Message);
        Assert.DoesNotContain("hidden", e.Message);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("hf_one\nhf_two")]
    [DataRow("hf one")]
    [DataRow("hf_é")]
    public void A_token_that_is_none_is_refused_and_not_repeated(string token)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => new HubOptions { Token = token });
        Assert.Contains("The token is empty or has blanks or letters that no token has", e.Message);
        Assert.DoesNotContain("hf", e.Message);
    }

    [TestMethod]
    public void A_revision_that_leads_out_of_its_address_and_a_proxy_of_another_kind_are_refused()
    {
        Assert.Contains("Revision = '..'", Assert.ThrowsExactly<ArgumentException>(() => new HubOptions { Revision = ".." }).Message);
        Assert.Contains(
            "proxy's address",
            Assert.ThrowsExactly<ArgumentException>(() => new HubOptions { Proxy = new Uri("ftp://proxy") }).Message
        );
        Assert.AreEqual("refs/pr/1", new HubOptions { Revision = "refs/pr/1", Proxy = new Uri("socks5://proxy:1") }.Revision);
    }
}
