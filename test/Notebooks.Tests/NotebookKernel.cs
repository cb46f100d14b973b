using System.Text;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Events;

namespace Notebooks.Tests;

/// <summary>The C# kernel of .NET Interactive, as Polyglot Notebooks and Jupyter start it.</summary>
internal sealed class NotebookKernel : IDisposable
{
    private readonly CompositeKernel _kernel = [new CSharpKernel().UseKernelHelpers().UseWho()];

    /// <summary>Runs a cell.</summary>
    /// <returns>What it shows: printed text first, then the values.</returns>
    /// <exception cref="AssertFailedException">The cell fails; the message holds the kernel's.</exception>
    public async Task<IReadOnlyList<CellOutput>> RunAsync(string code)
    {
        var result = await _kernel.SendAsync(new SubmitCode(code, "csharp"));
        var printed = new StringBuilder();
        List<CellOutput> outputs = [];
        foreach (var e in result.Events)
        {
            switch (e)
            {
                case CommandFailed failed:
                    throw new AssertFailedException($"{failed.Message}\nof the cell\n{code}");
                case ErrorProduced error:
                    throw new AssertFailedException($"{error.Message}\nof the cell\n{code}");
                case StandardOutputValueProduced text:
                    printed.Append(text.FormattedValues.First().Value);
                    break;
                case ReturnValueProduced value:
                    outputs.Add(Of("execute_result", value));
                    break;
                case DisplayedValueProduced value:
                    outputs.Add(Of("display_data", value));
                    break;
            }
        }

        if (printed.Length > 0)
        {
            outputs.Insert(0, new("stream", "text/plain", printed.ToString()));
        }

        return outputs;
    }

    public void Dispose() => _kernel.Dispose();

    private static CellOutput Of(string kind, DisplayEvent value)
    {
        var shown = value.FormattedValues.First();
        return new(kind, shown.MimeType, shown.Value);
    }
}

/// <summary>One output of a cell.</summary>
/// <param name="Kind">Its kind in a notebook's file.</param>
/// <param name="MimeType">Its form.</param>
/// <param name="Text">What it says.</param>
internal sealed record CellOutput(string Kind, string MimeType, string Text);
