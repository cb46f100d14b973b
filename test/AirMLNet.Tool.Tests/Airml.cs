using System.Text;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>
/// Runs the command within the tests, which saves the second or more that a process takes to start and to load LibTorch. Where the
/// process itself is what is tested (a fresh start, signals, native libraries, threads), <see cref="ToolProcess"/> runs it. Not for
/// several threads: the console and the environment are the process's.
/// </summary>
internal static class Airml
{
    public static ToolProcess Run(params string[] arguments) => Run([], arguments);

    /// <summary>Runs it with environment variables of its own.</summary>
    public static ToolProcess Run((string Name, string Value)[] environment, params string[] arguments)
    {
        var before = environment.Select(e => (e.Name, Value: Environment.GetEnvironmentVariable(e.Name))).ToArray();
        var (output, error) = (Console.Out, Console.Error);
        using MemoryStream written = new(),
            said = new();
        try
        {
            foreach (var (name, value) in environment)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
            Console.SetOut(Writer(written));
            Console.SetError(Writer(said));
            var code = CommandLine.RunAsync(CommandLine.Build(), "airml", arguments).GetAwaiter().GetResult();
            return new(code, Encoding.UTF8.GetString(written.ToArray()), Encoding.UTF8.GetString(said.ToArray()));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            foreach (var (name, value) in before)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }

    // As a console that is redirected writes, and not as a string does, whose encoding would be another.
    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(false)) { AutoFlush = true };
}
