using System.CommandLine;
using AirMLNet.Files;
using AirMLNet.Hub;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml pull REPO</c>: downloads a model folder.</summary>
internal static class PullCommand
{
    public static Command Build()
    {
        var repository = new Argument<string>("REPO") { Description = "Owner and name of the model, such as openai/clip-vit-base-patch32" };
        var output = new Option<string?>("--output", "-o")
        {
            Description = $"Folder to write (default: the model's name, in {AirHome.Variable} if that is set, else here)",
            HelpName = "FOLDER",
        };
        var revision = new Option<string>("--revision") { Description = "Branch, tag or commit", DefaultValueFactory = _ => "main" };
        var endpoint = new Option<string?>("--endpoint")
        {
            Description = "Server (default: HF_ENDPOINT if that is set, else the public one)",
            HelpName = "URL",
        };
        var proxy = new Option<string?>("--proxy") { Description = "Proxy (default: HTTPS_PROXY and its kin)", HelpName = "URL" };
        var command = new Command(
            "pull",
            "Download a model folder: safetensors, json and txt files, checked by their hashes; a token is read from HF_TOKEN"
        )
        {
            repository,
            output,
            revision,
            endpoint,
            proxy,
        };
        ExamplesHelpAction.Add(
            command,
            "airml pull openai/clip-vit-base-patch32",
            "airml pull laion/CLIP-ViT-B-32-laion2B-s34B-b79K -o models/laion-b32"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var name = parsed.GetRequiredValue(repository);
                var folder = parsed.GetValue(output) ?? Path.Combine(AirHome.Given ?? ".", name.Split('/')[^1]);
                var files = Terminal.Work(
                    $"Downloading {name}",
                    1,
                    step =>
                        ModelDownload
                            .RunAsync(
                                name,
                                folder,
                                new HubOptions
                                {
                                    Endpoint =
                                        Address("--endpoint", parsed.GetValue(endpoint))
                                        ?? Address("HF_ENDPOINT", Environment.GetEnvironmentVariable("HF_ENDPOINT"))
                                        ?? HubOptions.DefaultEndpoint,
                                    Revision = parsed.GetRequiredValue(revision),
                                    Token = Environment.GetEnvironmentVariable("HF_TOKEN")?.Trim() is { Length: > 0 } token ? token : null,
                                    Proxy = Address("--proxy", parsed.GetValue(proxy)),
                                    Progress = Terminal.Progress(step, p => p.Activity),
                                    CancellationToken = cancellation,
                                }
                            )
                            .GetAwaiter()
                            .GetResult()
                );
                foreach (var file in files)
                {
                    Console.Out.WriteLine(Path.Combine(folder, file));
                }

                return 0;
            }
        );
        return command;
    }

    // What has an @ may have a password before it, which is not repeated.
    private static Uri? Address(string name, string? text) =>
        string.IsNullOrWhiteSpace(text) ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var address) && (address.Scheme is "http" or "https") ? address
        : throw new UsageException(
            $"{name} is {(text.Contains('@') ? "no address of a server" : $"'{text}'")}; "
                + "expected an address that starts with http:// or https://"
        );
}
