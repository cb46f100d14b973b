using System.Diagnostics;

namespace Notebooks.Tests;

/// <summary>Notebooks as programs of one file.</summary>
[TestClass]
public sealed class NotebookProgramTests
{
    [TestMethod]
    public void AProgram_HasTheCellsInOrder_TypesAtItsEnd_AndPrintsWhatACellShows()
    {
        var folder = Directory.CreateTempSubdirectory("program-").FullName;
        try
        {
            var file = Path.Combine(folder, "small.ipynb");
            File.WriteAllText(
                file,
                """
                {"cells": [
                  {"cell_type": "markdown", "source": ["# Small\n", "\n", "Two lines."]},
                  {"cell_type": "code", "source": ["#r \"bin/A.dll\"\n", "using System.IO;\n", "using A.B;"]},
                  {"cell_type": "code", "source": ["public class Photo { }"]},
                  {"cell_type": "code", "source": ["var a = 1;\n", "a + 1"]},
                  {"cell_type": "code", "source": ["foreach (var x in y)\n", "{\n", "}"]}
                ]}
                """
            );
            Assert.AreEqual((0, ""), Run(file));
            var program = File.ReadAllText(Path.Combine(folder, "small.cs")).ReplaceLineEndings("\n");
            Assert.StartsWith("#:project Notebooks.csproj\n", program);
            Assert.EndsWith(
                """
                using A.B;
                using System.IO;

                // # Small
                //
                // Two lines.

                var a = 1;
                Console.WriteLine(a + 1);

                foreach (var x in y)
                {
                }

                public class Photo { }

                """.ReplaceLineEndings("\n"),
                program
            );
            File.WriteAllText(file, "[");
            var (code, error) = Run(file);
            Assert.AreEqual(1, code);
            Assert.Contains("small.ipynb: No notebook", error);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void EveryNotebook_IsWrittenAsAProgram()
    {
        var folder = Directory.CreateTempSubdirectory("programs-").FullName;
        try
        {
            foreach (var name in NotebookFile.All())
            {
                var file = Path.Combine(folder, name + ".ipynb");
                File.Copy(Path.Combine(NotebookFile.Root, "notebooks", name + ".ipynb"), file);
                Assert.AreEqual((0, ""), Run(file), name);
                var program = File.ReadAllText(Path.ChangeExtension(file, ".cs"));
                Assert.Contains("Console.WriteLine(", program);
                Assert.DoesNotContain("#r ", program);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (int Code, string Error) Run(string file)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(NotebookFile.Root, "notebooks", "bin", "Notebooks.dll"));
        start.ArgumentList.Add(file);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        _ = output.Result;
        return (process.ExitCode, error);
    }
}
