// A cluster that embeds, synthesises and describes images: silos, one per GPU, and a program that gives them work (docs/scale.md).
//   dotnet run --project samples/Cluster -- silo --redis redis:6379 [--gpu 0] [--threads 8] [--address 10.0.0.5] [--silo-port N]
// [--gateway-port N]
//   dotnet run --project samples/Cluster -- submit JOB.json --redis redis:6379
//   dotnet run --project samples/Cluster -- status ID --redis redis:6379
// Every option can be an environment variable too, such as AIRML_REDIS; --cluster NAME lets several clusters share a Redis.
using System.Net;
using AirMLNet.Cluster;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

if (
    args.Length == 0
    || args[0] is not ("silo" or "submit" or "status")
    || (args[0] == "silo") != (args.Length == 1 || args[1].StartsWith('-'))
)
{
    Console.Error.WriteLine(
        "usage: Cluster silo --redis HOST:PORT [--gpu N] | submit JOB.json --redis HOST:PORT | status ID --redis HOST:PORT"
    );
    return 2;
}

var settings = new ConfigurationBuilder().AddEnvironmentVariables("AIRML_").AddCommandLine(args[(args[0] == "silo" ? 1 : 2)..]).Build();
string? Text(string name) => settings[name] ?? settings[name.Replace('-', '_')];
int? Number(string name) =>
    Text(name) is not { } text ? null
    : int.TryParse(text, out var number) && number >= 0 ? number
    : throw new ArgumentException($"--{name} is '{text}'; expected a whole number from 0.");
try
{
    var builder = Host.CreateEmptyApplicationBuilder(null);
    builder
        .Logging.AddSimpleConsole(o => (o.SingleLine, o.UseUtcTimestamp, o.TimestampFormat) = (true, true, "HH:mm:ss.fff "))
        .SetMinimumLevel(LogLevel.Warning)
        .AddFilter("AirMLNet", LogLevel.Information);
    var where = new AirClusterOptions { Redis = Text("redis") ?? "127.0.0.1:6379", Cluster = Text("cluster") ?? "airmlnet" };
    if (args[0] == "silo")
    {
        builder.UseOrleans(silo =>
            silo.UseAirMLNet(
                new AirSiloOptions
                {
                    Redis = where.Redis,
                    Cluster = where.Cluster,
                    Gpu = Number("gpu"),
                    Threads = Number("threads") ?? 0,
                    Address = Text("address") is { } text
                        ? IPAddress.TryParse(text, out var address)
                            ? address
                            : throw new ArgumentException($"--address is '{text}'; expected an address such as 10.0.0.5.")
                        : null,
                    SiloPort = Number("silo-port"),
                    GatewayPort = Number("gateway-port"),
                }
            )
        );
        await builder.Build().RunAsync();
        return 0;
    }

    // Looked at before a cluster is waited for.
    var job = args[0] == "submit" ? Job(args[1]) : null;
    builder.UseOrleansClient(client => client.UseAirMLNet(where));
    using var host = builder.Build();
    await host.StartAsync();
    var cluster = new AirCluster(host.Services.GetRequiredService<IClusterClient>());
    var status = job is null ? await cluster.StatusAsync(args[1]) : await cluster.RunAsync(job, new Lines());
    Console.WriteLine(
        $"job {status.Id}: {status.Done} of {status.Pieces} pieces, {status.Returned} handed out again; {status.Failure ?? "well"}"
    );
    foreach (var (silo, pieces) in status.DoneBy.OrderBy(s => s.Key, StringComparer.Ordinal))
    {
        Console.WriteLine($"  {silo}: {pieces}");
    }

    await host.StopAsync();
    return status.Failure is null ? 0 : 1;
}
catch (Exception e)
    when (e
            is ArgumentException
                or FormatException
                or IOException
                or InvalidOperationException
                or UnauthorizedAccessException
                or KeyNotFoundException
                or StackExchange.Redis.RedisException
    )
{
    Console.Error.WriteLine($"Cluster: {e.Message}");
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Cluster: the Redis of --redis does not answer.");
    return 1;
}

static ClusterJob Job(string file)
{
    try
    {
        return ClusterJob.FromJson(File.ReadAllText(file));
    }
    catch (FormatException e)
    {
        throw new FormatException($"{file}: {e.Message}", e);
    }
}

internal sealed class Lines : IProgress<JobStatus>
{
    public void Report(JobStatus value) => Console.WriteLine($"{value.Done} of {value.Pieces} pieces, {value.Held.Count} silos at work");
}
