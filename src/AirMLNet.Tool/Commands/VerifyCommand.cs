using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Output;
using AirMLNet.Verification;
using Spectre.Console;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml verify FOLDER</c>: runs a reference case and compares every output.</summary>
internal static class VerifyCommand
{
    public static Command Build()
    {
        var folder = new Argument<string>("FOLDER") { Description = "Folder of a reference case (case.json, weights, io.safetensors)" };
        var compute = new ComputeOptions(threads: false);
        var json = SharedOptions.Json();
        var command = new Command("verify", "Compare this build's numbers with those of a reference case") { folder };
        compute.AddTo(command);
        command.Options.Add(json);
        ExamplesHelpAction.Add(command, "airml verify golden/clip-vit-tiny");
        command.Does((parsed, _) => Run(parsed.GetRequiredValue(folder), compute.Device(parsed), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string folder, TorchSharp.torch.Device device, bool json)
    {
        var report = CaseVerifier.Verify(folder, device);
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    report.Case,
                    report.Kind,
                    report.Passed,
                    Outputs = report.Rows.Select(row => new
                    {
                        row.Output,
                        MaxAbs = Finite(row.MaxAbs),
                        MaxRel = Finite(row.MaxRel),
                        row.Pass,
                        row.Note,
                    }),
                }
            );
        }
        else
        {
            var table = new Table()
                .AddColumn("output")
                .AddColumn(new TableColumn("max abs error").RightAligned())
                .AddColumn(new TableColumn("max rel error").RightAligned())
                .AddColumn("result")
                .AddColumn("");
            foreach (var row in report.Rows)
            {
                table.AddRow(
                    Markup.Escape(row.Output),
                    Error(row.MaxAbs),
                    Error(row.MaxRel),
                    row.Pass ? "PASS" : "FAIL",
                    Markup.Escape(row.Note ?? "")
                );
            }

            Terminal.Write(table);
            var good = report.Rows.Count(row => row.Pass);
            Console.Out.WriteLine(
                $"{report.Case}: {good} of {report.Rows.Count} outputs within tolerance: {(report.Passed ? "PASS" : "FAIL")}"
            );
        }

        return report.Passed ? 0 : ExitCode.Failed;
    }

    private static string Error(double value) => value.ToString("0.0e+00", CultureInfo.InvariantCulture);

    // JSON has no NaN and no infinity.
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
