using System.Runtime.CompilerServices;

// The members of Microsoft.ML that make third-party transformers loadable are internal; they are used in
// src/AirMLNet/Persistence only, and in tests.
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

namespace System.Runtime.CompilerServices;

/// <summary>Tells the runtime, which knows it by its name, to let this assembly use the internal members of another.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    /// <summary>The assembly that is let in to.</summary>
    public string AssemblyName { get; } = assemblyName;
}
