namespace Microsoft.ML;

/// <summary>The names under which model files know the assemblies of loaders.</summary>
internal static class OfficialAssembly
{
    /// <summary>
    /// The full name of the official assembly of the same simple name: readers load it by this name, and one of another
    /// version or without the key would not be found.
    /// </summary>
    public static string NameOf(Type type) => $"{type.Assembly.GetName().Name}, Version=1.0.0.0, Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51";
}
