// Writes notebooks as programs:  dotnet run --project notebooks -c Release -- first-steps.ipynb
// writes first-steps.cs beside it, and `dotnet run --file first-steps.cs` in that folder runs it.
using AirMLNet.Notebooks;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: Notebooks NOTEBOOK.ipynb …");
    return 2;
}

foreach (var file in args)
{
    try
    {
        var program = Path.ChangeExtension(file, ".cs");
        File.WriteAllText(program, NotebookProgram.Of(File.ReadAllText(file)));
        Console.WriteLine(program);
    }
    catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"{file}: {e.Message}");
        return 1;
    }
}

return 0;
