using AirMLNet.Publicizer;

// publicizer OUTPUT_FOLDER ASSEMBLY...: writes a reference copy of each assembly with every member public.
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: publicizer OUTPUT_FOLDER ASSEMBLY...");
    return 2;
}
try
{
    Directory.CreateDirectory(args[0]);
    foreach (var assembly in args[1..])
    {
        ReferenceCopy.Write(assembly, Path.Combine(args[0], Path.GetFileName(assembly)));
    }

    return 0;
}
catch (Exception e) when (e is IOException or BadImageFormatException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"publicizer: {e.Message}");
    return 1;
}
