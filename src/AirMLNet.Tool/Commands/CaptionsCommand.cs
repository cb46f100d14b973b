using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using AirMLNet.Captions;
using AirMLNet.Files;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml captions -o FILE</c>: captions about classes, written by a language model, for <c>train labels</c>.</summary>
internal static class CaptionsCommand
{
    // Captions are read by people too: no escapes but those that JSON needs.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Build()
    {
        var output = new Option<string>("--output", "-o")
        {
            Description = "File to write: .jsonl with image_id, caption and classes, or .txt with a caption a line",
            HelpName = "FILE",
            Required = true,
        };
        var nouns = new NounArguments();
        var server = new Option<string>("--server")
        {
            Description = "Address of a server that speaks OpenAI's protocol, such as http://localhost:8000/v1",
            HelpName = "URL",
            Required = true,
        };
        var model = new Option<string>("--model")
        {
            Description = "The language model's name there",
            HelpName = "NAME",
            Required = true,
        };
        var key = new Option<string?>("--api-key-env")
        {
            Description = "Environment variable with the server's key (default: none)",
            HelpName = "VARIABLE",
        };
        var count = SharedOptions.Number("-n", "Captions to be written", 1000, 1, 10_000_000);
        var most = SharedOptions.Number("--most-classes", "Classes of a caption at most", 3, 1, 10);
        var attempts = SharedOptions.Number("--attempts", "How often a caption is asked for that leaves out a class", 3, 1, 20);
        var calls = SharedOptions.Number("--parallel-calls", "Texts asked for at a time", 4, 1, 256);
        var seed = SharedOptions.Number("--seed", "Seed of the classes that are drawn", 1, 0, int.MaxValue);
        var json = SharedOptions.Json();
        var command = new Command("captions", "Have a language model write captions about classes; goes on where it was interrupted")
        {
            output,
            server,
            model,
            key,
            count,
            most,
            attempts,
            calls,
            seed,
            json,
        };
        nouns.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml captions --nouns voc --server http://localhost:8000/v1 --model Qwen/Qwen3-8B -n 20000 -o captions.jsonl",
            "airml captions --classes classes.txt --server http://localhost:11434/v1 --model llama3.2 -n 500 -o captions.txt"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var target = parsed.GetRequiredValue(output);
                var lines = Path.GetExtension(target).ToLowerInvariant() switch
                {
                    ".jsonl" => (Func<WrittenCaption, string>)Json,
                    ".txt" => caption => caption.Text,
                    _ => throw new UsageException($"--output is '{target}'; expected a name that ends in .jsonl or .txt"),
                };
                SavedModel.CheckTarget(target);
                var options = new WriteCaptionsOptions
                {
                    Nouns = nouns.Read(parsed),
                    Count = parsed.GetValue(count),
                    MostClasses = parsed.GetValue(most),
                    Attempts = parsed.GetValue(attempts),
                    ParallelCalls = parsed.GetValue(calls),
                    Seed = parsed.GetValue(seed),
                    WorkFolder = Path.Combine(AirHome.Folder, "captions"),
                    CancellationToken = cancellation,
                };
                var chat = Connect(parsed.GetRequiredValue(server), parsed.GetRequiredValue(model), parsed.GetValue(key), options.Chat);
                var written = Terminal.Work(
                    "Writing",
                    options.Count,
                    step =>
                        new CaptionWriter(chat, options with { Progress = Terminal.Progress(step), Warn = Terminal.Warn })
                            .RunAsync()
                            .GetAwaiter()
                            .GetResult()
                );
                AtomicFile.WriteText(target, string.Concat(written.Captions.Select(c => lines(c) + "\n")));
                foreach (var (name, reason) in written.Refused.Take(3))
                {
                    Terminal.Warn($"left out: {name}: {reason}");
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            captions = target,
                            count = written.Captions.Count,
                            refused = written.Refused.Count,
                            made = written.Made,
                        }
                    );
                }
                else
                {
                    Console.Out.WriteLine(
                        $"{target}: {written.Captions.Count} captions, {written.Made} texts written now, {written.Refused.Count} left out"
                    );
                }

                return 0;
            }
        );
        return command;
    }

    private static ChatCaptioner Connect(string server, string model, string? keyVariable, ChatCaptionerOptions options)
    {
        var choice = new CaptionerChoice
        {
            Server = server,
            Model = model,
            ApiKeyEnv = keyVariable,
        };
        try
        {
            return choice.Connect(options);
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static string Json(WrittenCaption caption) =>
        JsonSerializer.Serialize(
            new
            {
                image_id = $"written-{caption.Number}",
                caption = caption.Text,
                classes = caption.Classes,
            },
            Readable
        );
}
