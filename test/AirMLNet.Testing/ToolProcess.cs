using System.Diagnostics;

namespace AirMLNet.Testing;

/// <summary>Runs the built <c>airml</c> as a user does: in a process of its own.</summary>
public sealed record ToolProcess(int ExitCode, string Output, string Error)
{
    public static ToolProcess Run(params string[] arguments) => Run(AppContext.BaseDirectory, [], arguments);

    /// <summary>Runs another program of the test's folder, such as <c>small-models</c>.</summary>
    public static ToolProcess RunProgram(string program, params string[] arguments) =>
        Run(AppContext.BaseDirectory, program, [], arguments);

    /// <summary>Runs the <c>airml</c> of a folder, with environment variables of its own.</summary>
    public static ToolProcess Run(string folder, (string Name, string Value)[] environment, params string[] arguments) =>
        Run(folder, "airml", environment, arguments);

    private static ToolProcess Run(string folder, string program, (string Name, string Value)[] environment, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { Path.Combine(folder, program + ".dll") },
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ToolProcess(process.ExitCode, output, error.Result);
    }

    /// <summary>Asserts success, and gives what was written to standard output.</summary>
    public string Succeeded()
    {
        Assert.AreEqual(0, ExitCode, Error + Output);
        return Output;
    }

    /// <summary>Asserts one line of error, with that exit code, that contains every one of <paramref name="parts"/>.</summary>
    public void Failed(int exitCode, params string[] parts)
    {
        Assert.AreEqual(exitCode, ExitCode, Error + Output);
        Assert.AreEqual("", Output);
        var lines = Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(1, lines, Error);
        Assert.MatchesRegex("^(airml|small-models): ", lines[0]);
        foreach (var part in parts)
        {
            Assert.Contains(part, lines[0], StringComparison.OrdinalIgnoreCase);
        }
    }
}
