namespace AirMLNet.Testing;

/// <summary>Files under test/data.</summary>
public static class TestData
{
    public static string Root { get; } = Find();

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "AirMLNet.sln")))
            {
                return System.IO.Path.Combine(folder.FullName, "test", "data");
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has AirMLNet.sln.");
    }
}
