using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using StackExchange.Redis;

namespace AirMLNet.Cluster;

/// <summary>Makes silos and clients of Microsoft Orleans part of a cluster that does <see cref="ClusterJob"/>s.</summary>
public static class ClusterHosting
{
    private const string Service = "airmlnet";
    private const int FirstSiloPort = 11_111,
        FirstGatewayPort = 30_000;

    // Two probes of a second each are missed and a vote is taken: measured, 4.5 s from kill −9 to the next answer.
    private static readonly TimeSpan Probe = TimeSpan.FromSeconds(1),
        Response = TimeSpan.FromSeconds(3),
        Alive = TimeSpan.FromSeconds(5);

    /// <summary>Membership and progress in Redis, and a worker that does one piece at a time.</summary>
    /// <param name="silo">The silo, which is otherwise as Orleans makes it.</param>
    /// <param name="options">Redis, device, ports.</param>
    public static ISiloBuilder UseAirMLNet(this ISiloBuilder silo, AirSiloOptions options)
    {
        ArgumentNullException.ThrowIfNull(silo);
        ArgumentNullException.ThrowIfNull(options);
        var redis = ConfigurationOptions.Parse(options.Redis);
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(options);
        silo.Services.AddSingleton<SiloWorker>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<SiloWorker>());
        return silo.UseRedisClustering(o => o.ConfigurationOptions = redis)
            .AddRedisGrainStorage(
                StateJson.Storage,
                o =>
                {
                    o.ConfigurationOptions = redis;
                    o.GrainStorageSerializer = new StateJson();
                }
            )
            .Configure<ClusterOptions>(o => Name(o, options))
            .Configure<ClusterMembershipOptions>(o =>
            {
                (o.ProbeTimeout, o.NumMissedProbesLimit) = (Probe, 2);
                // A cluster of which all silos were killed can start again after two of these.
                (o.IAmAliveTablePublishTimeout, o.NumMissedTableIAmAliveLimit) = (Alive, 2);
            })
            .Configure<SiloMessagingOptions>(o => o.ResponseTimeout = o.SystemResponseTimeout = Response)
            .Configure<EndpointOptions>(o =>
            {
                o.SiloPort = options.SiloPort ?? FirstSiloPort + (options.Gpu ?? 0);
                o.GatewayPort = options.GatewayPort ?? FirstGatewayPort + (options.Gpu ?? 0);
                if (options.Address is not null)
                {
                    o.AdvertisedIPAddress = options.Address;
                }
            });
    }

    /// <summary>
    /// A client of the cluster; take an <see cref="IClusterClient"/> from the services and make a <see cref="AirCluster"/> of it.
    /// </summary>
    /// <param name="client">The client, which is otherwise as Orleans makes it.</param>
    /// <param name="options">Redis.</param>
    public static IClientBuilder UseAirMLNet(this IClientBuilder client, AirClusterOptions options)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(options);
        return client
            .UseRedisClustering(o => o.ConfigurationOptions = ConfigurationOptions.Parse(options.Redis))
            .Configure<ClusterOptions>(o => Name(o, options))
            .Configure<ClientMessagingOptions>(o => o.ResponseTimeout = Response)
            .Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = Alive)
            // Until there is a silo: a client may come first.
            .UseConnectionRetryFilter(
                async (_, cancellation) =>
                {
                    await Task.Delay(Probe, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return !cancellation.IsCancellationRequested;
                }
            );
    }

    private static void Name(ClusterOptions o, AirClusterOptions options) =>
        (o.ClusterId, o.ServiceId) = (options.Cluster, Service + "/" + options.Cluster);
}
